import type { Config } from '#config/config.ts';
import { sh } from '#protocol/shell.ts';
import type { HostState, ReleaseFacts } from '#recipe/host-state.ts';
import type { Remote } from '#recipe/remote.ts';
import type { TaskContext } from '#recipe/task-context.ts';
import { UserError } from '#recipe/user-error.ts';
import { describeLock, parseLock } from '#release/found-lock.ts';
import { inspectHost, parseHostState, prepareHost } from '#release/inspect.ts';
import { showLock } from '#release/lock-programs.ts';
import { asPublished } from '#release/records.ts';
import type { NamedState } from '#release/retention.ts';
import { canVerify } from '#swarm/receive-file.ts';

export interface LookParts {
  readonly config: Config;
  /** The hosts as they are, for what a dry run has to know. */
  readonly sessions: readonly Remote[];
  readonly dryRun: boolean;
  /** Why nothing can run our programs on a host, if so. */
  readonly runtimeProblem: (state: HostState) => string | undefined;
}

/** What was found on the hosts of a run, at the latest look at each. */
export const createHostStates = ({ config, sessions, dryRun, runtimeProblem }: LookParts) => {
  const states = new Map<string, HostState>();
  const published = new Map<string, HostState>();
  const of = (host: string): HostState => {
    const state = states.get(host);
    if (!state) throw new UserError('the hosts were not looked at yet: run deploy:check before this task');
    return state;
  };
  /** What a dry run looks at in place of making the host ready. */
  const lookOnly = async (t: TaskContext, { name, deployTo }: Remote['host']): Promise<string> => {
    const session = sessions.find(({ host }) => host.name === name) as Remote;
    const { stdout } = await session.run(
      sh`${inspectHost(deployTo, config)}
${showLock(deployTo)}`,
      { quiet: true },
    );
    const lock = parseLock(stdout);
    if (lock.owner) t.warn(`locked by ${describeLock(lock)}: a deploy would end here`, session);
    return stdout;
  };
  return {
    of,
    find: (host: string): HostState | undefined => states.get(host),
    /** A host as this run has left it by publishing; undefined where it has not. */
    afterwards: (host: string): HostState | undefined => published.get(host),
    /** Notes that `current` points to the release, and what was recorded with it: the lock is held, so nobody has to look again. */
    publish: (host: string, release: string, records: readonly ReleaseFacts[]): void =>
      void published.set(host, asPublished(of(host), release, records)),
    /** Looks at the hosts; with `prepare` it also creates what a deploy needs there, and refuses hosts that are not ready. */
    look: (t: TaskContext, hosts: TaskContext['hosts'], prepare: boolean): Promise<void> =>
      t.on(hosts, async ({ host, run }) => {
        const runtime = config.strategy === 'torrent';
        const command = prepare ? prepareHost(host.deployTo, config, { runtime }) : inspectHost(host.deployTo, config);
        const told = await run(command, {
          label: `look at ${host.deployTo}`,
          quiet: true,
          reads: !prepare,
          shared: true,
        });
        const state = parseHostState(dryRun && prepare ? await lookOnly(t, host) : told.stdout);
        states.set(host.name, state);
        published.delete(host.name);
        if (prepare)
          refuseProblems(state, runtimeProblem(state) ?? (config.strategy === 'sftp' ? hashProblem(state) : undefined));
      }),
    named: (hosts: readonly Remote[]): NamedState[] =>
      hosts.flatMap(({ host }) => (states.has(host.name) ? { host: host.name, state: of(host.name) } : [])),
    releaseNames: (): string[] => [...states.values()].flatMap(({ releases }) => releases.map(({ name }) => name)),
  };
};

/** What comes by SFTP is checked by a program of the host's. */
const hashProblem = ({ platform: { tools } }: HostState): string | undefined =>
  canVerify(tools)
    ? undefined
    : 'there is no sha256sum, shasum or openssl on this host to check what is sent: install one of them';

const refuseProblems = ({ problems }: HostState, runtime: string | undefined): void => {
  const all = [...problems, ...(runtime === undefined ? [] : [runtime])];
  if (all.length > 0) throw new UserError(all.join('\n'));
};
