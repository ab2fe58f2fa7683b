import type { HostError } from '#protocol/events.ts';
import { NO_CONTEXT } from '#recipe/command-context.ts';
import { CommandFailed, isCutOff, type Remote } from '#recipe/remote.ts';
import { STANDARD_ROLES } from '#recipe/roles.ts';
import { suggest } from '#recipe/suggest.ts';
import type { On, OnOptions, TaskContext } from '#recipe/task-context.ts';
import type { TaskHost } from '#recipe/task-host.ts';
import { ownFrames, withPlace } from '#recipe/thrown-at.ts';
import { UserError } from '#recipe/user-error.ts';
import { batchesOf, primaryOf } from './batches.ts';
import { HostsFailed, Interrupted } from './outcome.ts';
import type { Progress, Run } from './run-plan.ts';
import { makeTaskHost } from './task-hosts.ts';
import type { Unfinished } from './unfinished.ts';
import { watchRemote } from './watched-remote.ts';

/** What the one who runs the task gives to it. */
interface Around {
  readonly failures: ReadonlyMap<string, HostError>;
  /** The task that this one is a step or hook of. */
  readonly within: string | undefined;
  readonly detail: (text: string) => void;
  readonly invoke: (task: string) => Promise<void>;
  /** Takes what the body begins. */
  readonly unfinished: Unfinished;
}

/** What the body of a task works with. */
export const makeContext = (
  run: Run,
  task: string,
  live: readonly Remote[],
  progress: Progress,
  { failures, within, detail, invoke, unfinished }: Around,
): TaskContext => {
  const { keep, settled } = unfinished;
  const local = run.local(run.signal);
  const hostOf = (remote: Remote): TaskHost => {
    const watched = watchRemote(remote, {
      ...{ task, emit: run.emit, signal: run.signal, limits: run.settings.limits, dryRun: run.dryRun },
    });
    const keepHere = <T>(work: Promise<T>) => keep(work, remote.host.name);
    return makeTaskHost(watched, local, run.sudoPassword, keepHere, { ...NO_CONTEXT, commands: run.commands });
  };
  const all = run.remotes.map(hostOf);
  const isIn = ({ host }: Remote): boolean => !progress.errors.has(host.name);
  const fail = (host: string, error: HostError) => {
    progress.errors.set(host, error);
    run.emit({ type: 'host-failed', host, error });
  };
  /** Throws where the run cannot go on: as many hosts have failed as may not, or nobody is left for the task. */
  const settle = (before: number): void => {
    if (run.signal.aborted) throw new Interrupted();
    const failed = progress.errors.size;
    if (failed > before && (failed > run.allowed || !live.some(isIn))) throw new HostsFailed(`${task} failed`);
  };

  const runGroups = async (
    asked: readonly TaskHost[],
    options: OnOptions,
    body: (host: TaskHost) => Promise<unknown>,
  ) => {
    const before = progress.errors.size;
    const { groups, atOnce } = batchesOf(asked.filter(isIn), options);
    const stops = (): boolean => progress.errors.size > (options.stopOnFailure === true ? before : run.allowed);
    const runHost = async (remote: TaskHost): Promise<void> => {
      const { name } = remote.host;
      const work = async () => {
        await body(remote);
        await settled(name);
      };
      await work().catch((error: unknown) => fail(name, hostError(error, task, run.signal.aborted)));
      progress.finished.set(name, performance.now());
    };
    for (const [index, group] of groups.entries()) {
      if (index > 0) {
        if (options.stopOnFailure !== false && progress.errors.size > before && stops()) break;
        await pause(options.wait ?? 0, run.signal);
        await options.between?.(groups[index - 1] as readonly TaskHost[]);
      }
      if (run.signal.aborted) break;
      const waiting = [...group];
      const work = async () => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await runHost(next);
      };
      await Promise.all(Array.from({ length: Math.min(atOnce, group.length) }, work));
    }
    settle(before);
  };

  return {
    settings: run.settings,
    hosts: all.filter(({ host }) => live.some((remote) => remote.host.name === host.name)),
    roles: (...names) => {
      refuseUnknownRoles(names, run.knownRoles);
      return all.filter(
        (remote) =>
          isIn(remote) && (names.includes('all') || remote.host.roles.some((role) => names.includes(role as never))),
      );
    },
    primary: (role = 'all') => {
      refuseUnknownRoles([role], run.knownRoles);
      return primaryOf(all.filter((remote) => isIn(remote) && (role === 'all' || remote.host.roles.includes(role))));
    },
    deployment: run.deployment,
    on: ((hosts, second, third) =>
      keep(typeof second === 'function' ? runGroups(hosts, {}, second) : runGroups(hosts, second, third))) as On,
    runLocally: (command, options = {}) => keep(local.run(command, options)),
    fetch: run.values.fetch,
    set: run.values.set,
    ask: run.ask,
    invoke: (name) => keep(invoke(name)),
    secret: run.secret,
    dryRun: run.dryRun,
    failures: () => failures,
    detail,
    fail: (errors) => {
      const before = progress.errors.size;
      for (const [host, error] of errors) fail(host, run.signal.aborted ? interruptedIn(task) : { ...error, task });
      settle(before);
    },
    only: (hosts, until) => {
      const names = new Set(hosts.map(({ host }) => host.name));
      progress.chosen = { hosts: names, within: until === 'end' ? undefined : within };
    },
    mark: (remote, status) => void (run.dryRun || progress.marks.set(remote.host.name, status)),
    answer: (remote, answer) => {
      const host = remote.host.name;
      run.emit('releases' in answer ? { type: 'host-releases', host, ...answer } : { type: 'output', host, ...answer });
    },
    warn: (message, remote) =>
      run.emit({ type: 'notice', level: 'warning', message, ...(remote ? { host: remote.host.name } : {}) }),
  };
};

/** Waits, or less when the run is interrupted. */
const pause = (seconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (seconds <= 0 || signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, seconds * 1000);
    signal.addEventListener('abort', done);
  });

const refuseUnknownRoles = (names: readonly string[], known: readonly string[]): void => {
  const all = [...new Set(['all', ...STANDARD_ROLES, ...known])];
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) throw new UserError(`no host has the role '${unknown}'${suggest(unknown, all)}`);
};

const interruptedIn = (task: string): HostError => ({ code: 'interrupted', message: 'interrupted', task });

const hostError = (error: unknown, task: string, interrupted: boolean): HostError => {
  if (interrupted && !isCutOff(error)) return interruptedIn(task); // a lost host is to be put right after the others
  if (error instanceof CommandFailed) return { ...error.facts, task };
  if (error instanceof UserError) return { code: 'check', message: error.message, task };
  const frames = ownFrames(error as Error); // of ours nobody would learn anything
  return {
    code: 'bug',
    message: `the recipe threw: ${withPlace(error as Error)}`,
    task,
    ...(frames.length > 1 ? { output: frames.join('\n') } : {}),
  };
};
