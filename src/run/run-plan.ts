import type { Plan, PlannedTask } from '#plan/make-plan.ts';
import type { Emit, HostError, HostStatus } from '#protocol/events.ts';
import { CommandFailed, type Remote } from '#recipe/remote.ts';
import type { DeploySettings } from '#recipe/settings.ts';
import type { Deployment, TaskContext } from '#recipe/task-context.ts';
import { UserError } from '#recipe/user-error.ts';
import { HostsFailed, Interrupted, type Outcome } from './outcome.ts';
import { watchRemote } from './watched-remote.ts';

export interface Run {
  readonly plan: Plan;
  readonly remotes: readonly Remote[];
  readonly settings: DeploySettings;
  readonly deployment: Deployment;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  /** Ends the commands that run on the hosts. Not called while a failure is put right: nobody else would do that. */
  readonly interrupt: () => void;
}

/**
 * The state of a run: who is still in it, what went wrong where, what has become of whom. Tasks run one after the
 * other, each on all of its hosts at once, and the next begins when all have finished: that is what makes "no host
 * switches before every host is ready" true without further words.
 */
interface Progress {
  readonly errors: Map<string, HostError>;
  readonly marks: Map<string, HostStatus>;
  readonly finished: Map<string, number>;
  /** Names of the hosts that later tasks may use; undefined: all. */
  chosen: ReadonlySet<string> | undefined;
}

/** Runs the tasks of a plan in order; when one fails before the release is committed, runs what puts things right. */
export const runPlan = async (run: Run): Promise<Outcome> => {
  const progress: Progress = { errors: new Map(), marks: new Map(), finished: new Map(), chosen: undefined };
  let committed = false;
  run.signal.addEventListener('abort', run.interrupt);
  try {
    for (const planned of run.plan.tasks) {
      if (run.signal.aborted) throw new Interrupted();
      committed ||= planned.committed;
      await runTask(run, planned, progress).catch((error: unknown) => {
        if (!committed || !(error instanceof HostsFailed)) throw error; // the others finish what serves already
      });
    }
    return { end: 'done', committed, ...progress };
  } catch (error) {
    const fault =
      error instanceof HostsFailed || error instanceof Interrupted || run.signal.aborted
        ? {}
        : { fault: error as Error };
    run.signal.removeEventListener('abort', run.interrupt);
    if (!committed) await putRight(run, progress);
    return { end: run.signal.aborted ? 'interrupted' : 'failed', committed, ...progress, ...fault };
  }
};

/** The failure tasks: each on every host, the failed ones too, and not to be interrupted; what fails here is told and the rest goes on. */
const putRight = async (run: Run, progress: Progress): Promise<void> => {
  const failures = new Map<string, HostError>();
  let chosen: Progress['chosen'];
  for (const planned of run.plan.onFailure) {
    const attempt: Progress = { ...progress, errors: new Map(), chosen };
    await runTask({ ...run, signal: new AbortController().signal }, planned, attempt).catch((error: Error) => {
      if (!(error instanceof HostsFailed))
        run.emit({ type: 'notice', level: 'warning', message: `${planned.task.name}: ${error.message}` });
    });
    chosen = attempt.chosen;
    for (const [host, error] of attempt.errors) if (!failures.has(host)) failures.set(host, error);
  }
  for (const [host, error] of failures) {
    if (!progress.errors.has(host)) progress.errors.set(host, error);
    run.emit({
      type: 'notice',
      level: 'warning',
      host,
      message: `${error.task} failed, look at this host: ${error.message}${error.output ? `: ${error.output}` : ''}`,
    });
  }
};

const runTask = async (run: Run, { task, hosts }: PlannedTask, progress: Progress): Promise<void> => {
  const live = run.remotes.filter(
    ({ host }) =>
      hosts.includes(host.name) && !progress.errors.has(host.name) && (progress.chosen?.has(host.name) ?? true),
  );
  if (live.length === 0) return;
  const begun = performance.now();
  let detail: string | undefined;
  const context = makeContext(run, task.name, live, progress, (text) => {
    detail = text;
  });
  const end = (ok: boolean) =>
    run.emit({
      type: 'task-end',
      task: task.name,
      ok,
      seconds: (performance.now() - begun) / 1000,
      ...(detail === undefined ? {} : { detail }),
    });
  run.emit({
    type: 'task-start',
    task: task.name,
    description: task.description,
    hosts: live.map(({ host }) => host.name),
  });
  try {
    await task.run?.(context);
    end(true);
  } catch (error) {
    end(false);
    throw error;
  }
};

const makeContext = (
  run: Run,
  task: string,
  live: readonly Remote[],
  progress: Progress,
  detail: (text: string) => void,
): TaskContext => {
  const fail = (host: string, error: HostError) => {
    progress.errors.set(host, error);
    run.emit({ type: 'host-failed', host, error });
  };
  return {
    settings: run.settings,
    hosts: live.map((remote) => watchRemote(remote, task, run.emit, run.signal)),
    deployment: run.deployment,
    detail,
    on: async (hosts, body) => {
      const before = progress.errors.size;
      await Promise.all(
        hosts.map(async (remote) => {
          try {
            await body(remote);
          } catch (error) {
            fail(remote.host.name, hostError(error, task, run.signal.aborted));
          }
          progress.finished.set(remote.host.name, performance.now());
        }),
      );
      if (run.signal.aborted) throw new Interrupted();
      if (progress.errors.size > before) throw new HostsFailed(`${task} failed`);
    },
    fail: (errors) => {
      for (const [host, error] of errors) fail(host, run.signal.aborted ? interruptedIn(task) : { ...error, task });
      if (run.signal.aborted) throw new Interrupted();
      if (errors.size > 0) throw new HostsFailed(`${task} failed`);
    },
    only: (hosts) => {
      progress.chosen = new Set(hosts.map(({ host }) => host.name));
    },
    mark: (remote, status) => void progress.marks.set(remote.host.name, status),
    answer: (remote, answer) => {
      const host = remote.host.name;
      run.emit('releases' in answer ? { type: 'host-releases', host, ...answer } : { type: 'output', host, ...answer });
    },
    warn: (message, remote) =>
      run.emit({ type: 'notice', level: 'warning', message, ...(remote ? { host: remote.host.name } : {}) }),
  };
};

const interruptedIn = (task: string): HostError => ({ code: 'interrupted', message: 'interrupted', task });

const hostError = (error: unknown, task: string, interrupted: boolean): HostError => {
  if (interrupted) return interruptedIn(task);
  if (error instanceof CommandFailed) return { ...error.facts, task };
  if (error instanceof UserError) return { code: 'check', message: error.message, task };
  const { message, stack } = error as Error;
  return {
    code: 'bug',
    message: `the recipe threw: ${message}`,
    task,
    ...(stack === undefined ? {} : { output: stack }),
  };
};
