import type { Config } from '#config/config.ts';
import type { HostState } from '#recipe/host-state.ts';
import type { Remote } from '#recipe/remote.ts';
import type { TaskContext } from '#recipe/task-context.ts';
import { UserError } from '#recipe/user-error.ts';
import { inspectHost, parseHostState, prepareHost } from '#release/inspect.ts';
import type { NamedState } from '#release/retention.ts';

/** What was found on the hosts of a run, at the latest look at each. */
export const createHostStates = (config: Config) => {
  const states = new Map<string, HostState>();
  const of = (host: string): HostState => {
    const state = states.get(host);
    if (!state) throw new UserError('the hosts were not looked at yet: run deploy:check before this task');
    return state;
  };
  return {
    of,
    /** Looks at the hosts; with `prepare` it also creates what a deploy needs there, and refuses hosts that are not ready. */
    look: (t: TaskContext, hosts: readonly Remote[], prepare: boolean): Promise<void> =>
      t.on(hosts, async ({ host, run }) => {
        const command = prepare ? prepareHost(host.deployTo, config) : inspectHost(host.deployTo);
        const { stdout } = await run(command, { label: `look at ${host.deployTo}`, quiet: true });
        const state = parseHostState(stdout);
        states.set(host.name, state);
        if (prepare) refuseProblems(state, config.strategy);
      }),
    named: (hosts: readonly Remote[]): NamedState[] =>
      hosts.map(({ host }) => ({ host: host.name, state: of(host.name) })),
    releaseNames: (): string[] => [...states.values()].flatMap(({ releases }) => releases.map(({ name }) => name)),
  };
};

const refuseProblems = ({ problems, node }: HostState, strategy: Config['strategy']): void => {
  const old = node !== undefined && Number(node.match(/^v(\d+)/)?.[1] ?? 0) < OLDEST_NODE;
  const runtime =
    strategy !== 'torrent' || (node !== undefined && !old)
      ? []
      : [
          `there is ${node === undefined ? 'no Node.js' : `only Node.js ${node}`} on this host: install Node ${OLDEST_NODE} or newer, or use strategy: 'sftp'`,
        ];
  if (problems.length + runtime.length > 0) throw new UserError([...problems, ...runtime].join('\n'));
};

const OLDEST_NODE = 18;
