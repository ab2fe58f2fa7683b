import type { Plan, PlannedTask } from '#plan/make-plan.ts';
import type { Emit, HostError, HostStatus } from '#protocol/events.ts';
import type { CommandMap } from '#recipe/command-context.ts';
import { CommandFailed, type Remote } from '#recipe/remote.ts';
import type { Ask } from '#recipe/setting.ts';
import type { DeploySettings } from '#recipe/settings.ts';
import type { Deployment, TaskContext } from '#recipe/task-context.ts';
import { UserError } from '#recipe/user-error.ts';
import type { LocalWork } from './local-work.ts';
import { HostsFailed, Interrupted, type Outcome } from './outcome.ts';
import type { SettingValues } from './setting-values.ts';
import { makeContext } from './task-context.ts';
import type { SudoPassword } from './task-hosts.ts';
import { makeUnfinished } from './unfinished.ts';

export interface Run {
  readonly plan: Plan;
  /** Lays out a task that is invoked by another. */
  readonly layOut: (task: string) => readonly PlannedTask[];
  readonly remotes: readonly Remote[];
  /** Every role that a host of any stage has. */
  readonly knownRoles: readonly string[];
  readonly settings: DeploySettings;
  readonly values: SettingValues;
  readonly commands: CommandMap;
  readonly deployment: Deployment;
  /** What ends by a signal: what puts things right has one of its own, and is not ended by an interrupt. */
  readonly local: (signal: AbortSignal) => LocalWork;
  readonly ask: Ask;
  /** Absent where nobody could type it. */
  readonly sudoPassword?: SudoPassword;
  readonly secret: (value: string) => string;
  /** How many of the remotes may fail while the run goes on without them. */
  readonly allowed: number;
  readonly dryRun: boolean;
  readonly emit: Emit;
  /** Stops the run: by the user's wish, or, with a `UserError` as its reason, because the locks are lost. */
  readonly signal: AbortSignal;
  /** Ends the commands that run on the hosts. Not called while a failure is put right: nobody else would do that. */
  readonly interrupt: () => void;
}

/**
 * The state of a run: who is still in it, what went wrong where, what has become of whom. Tasks run one after the
 * other, each on all of its hosts at once, and the next begins when all have finished: that is what makes "no host
 * switches before every host is ready" true without further words.
 */
export interface Progress {
  readonly errors: Map<string, HostError>;
  readonly marks: Map<string, HostStatus>;
  readonly finished: Map<string, number>;
  /** Names of the hosts that take part at all; undefined: all. */
  readonly among?: ReadonlySet<string>;
  /** Those that later tasks may use, as long as they belong to the task `within`. */
  chosen: { readonly hosts: ReadonlySet<string>; readonly within: string | undefined } | undefined;
}

/**
 * Runs the tasks of a plan in order. A host that fails is out; when the run may go on without it, what was begun there is
 * undone there. When more fail than may before the release is committed, what puts things right runs everywhere.
 */
export const runPlan = async (run: Run): Promise<Outcome> => {
  const progress: Progress = { errors: new Map(), marks: new Map(), finished: new Map(), chosen: undefined };
  const undone = new Set<string>();
  let committed = false;
  run.signal.addEventListener('abort', run.interrupt);
  try {
    for (const planned of run.plan.tasks) {
      if (run.signal.aborted) throw new Interrupted();
      committed ||= planned.committed;
      await runTask(run, planned, progress).catch((error: unknown) => {
        if (!committed || !(error instanceof HostsFailed)) throw error; // the others finish what serves already
      });
      if (!committed) await undoFailed(run, progress, undone);
    }
    return { end: 'done', committed, ...progress };
  } catch (error) {
    run.signal.removeEventListener('abort', run.interrupt);
    const { aborted, reason } = run.signal;
    // the hosts have put right what could be, and may be somebody else's by now
    if (reason instanceof UserError) return { end: 'failed', committed, ...progress, fault: reason };
    const fault =
      error instanceof HostsFailed || error instanceof Interrupted || aborted ? {} : { fault: error as Error };
    if (!committed) await putAllRight(run, progress);
    return { end: run.signal.aborted ? 'interrupted' : 'failed', committed, ...progress, ...fault };
  }
};

/** Undoes on hosts that have failed, once each, what a tolerated failure leaves there. */
const undoFailed = async (run: Run, progress: Progress, undone: Set<string>): Promise<void> => {
  const failed = [...progress.errors.keys()].filter((host) => !undone.has(host));
  if (failed.length === 0) return;
  for (const host of failed) undone.add(host);
  await putRight(run, run.plan.onHostFailure, progress, new Set(failed));
};

/**
 * What puts things right goes first where there is a connection: while a host that was lost is waited for, the others
 * must not stand between two releases. What was begun on the lost ones is undone after that.
 */
const putAllRight = async (run: Run, progress: Progress): Promise<void> => {
  const { onFailure, onHostFailure } = run.plan;
  const isLost = (name: string) => progress.errors.get(name)?.code === 'connection-lost';
  const names = run.remotes.map(({ host: { name } }) => name);
  const lost = new Set(names.filter(isLost));
  const others = new Set(names.filter((name) => !isLost(name)));
  if (onHostFailure.length === 0 || lost.size === 0 || others.size === 0) return putRight(run, onFailure, progress);
  await putRight(run, onFailure, progress, others);
  await putRight(run, onHostFailure, progress, lost);
};

/** The tasks that put things right: each on every host, the failed ones too, and not to be interrupted; what fails here is told and the rest goes on. */
const putRight = async (
  run: Run,
  tasks: readonly PlannedTask[],
  progress: Progress,
  hosts?: ReadonlySet<string>,
): Promise<void> => {
  const failures = new Map<string, HostError>();
  let chosen: Progress['chosen'];
  for (const planned of tasks) {
    const attempt: Progress = { ...progress, errors: new Map(), chosen, ...(hosts ? { among: hosts } : {}) };
    const calm = { ...run, allowed: Number.POSITIVE_INFINITY, signal: new AbortController().signal };
    await runTask(calm, planned, attempt, progress.errors).catch((error: Error) => {
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

/** Runs one task on those of its hosts that are still in the run. `failures` are what it may know of, where they are others than those of the progress. */
const runTask = async (
  run: Run,
  { task, hosts, within }: PlannedTask,
  progress: Progress,
  failures: ReadonlyMap<string, HostError> = progress.errors,
): Promise<void> => {
  const { chosen, among } = progress;
  if (chosen?.within !== undefined && !within.includes(chosen.within)) progress.chosen = undefined;
  const isIn = ({ host: { name } }: Remote): boolean =>
    hosts.includes(name) &&
    !progress.errors.has(name) &&
    (among?.has(name) ?? true) &&
    (progress.chosen?.hosts.has(name) ?? true);
  const live = run.remotes.filter(isIn);
  if (live.length === 0) return;
  const begun = performance.now();
  let detail: string | undefined;
  const unfinished = makeUnfinished();
  const context = makeContext(run, task.name, live, progress, {
    ...{ failures, unfinished },
    within: within.at(-1),
    detail: (text) => {
      detail = text;
    },
    invoke: async (name) => {
      const inside = [...within, task.name];
      for (const planned of run.layOut(name))
        await runTask(run, { ...planned, within: [...inside, ...planned.within] }, progress, failures);
    },
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
  const failed = progress.errors.size;
  try {
    await task.run?.(context);
    await unfinished.settled();
    failBy(await unfinished.untaken(), context);
    end(progress.errors.size === failed);
  } catch (error) {
    end(false);
    throw error;
  }
};

/** Errors of what a task has begun and did not wait for: those of commands are their hosts'. @throws where the run cannot go on */
const failBy = (errors: readonly unknown[], { fail }: TaskContext): void => {
  const ofHosts = errors.flatMap((error) =>
    error instanceof CommandFailed ? [[error.host, error.facts] as const] : [],
  );
  const other = errors.find((error) => !(error instanceof CommandFailed));
  if (ofHosts.length > 0) fail(new Map(ofHosts));
  if (other !== undefined) throw other;
};
