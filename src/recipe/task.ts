import type { RoleName } from './roles.ts';
import type { TaskContext } from './task-context.ts';

/**
 * One named piece of work, as plain data: a task is defined in one module instance and run by another, so nothing here
 * may depend on identity. Names are Capistrano's where Capistrano has the word.
 */
export interface Task<Name extends string = string> {
  readonly kind: 'task';
  readonly name: Name;
  readonly description: string;
  /** Runs only on hosts that have one of these roles. @default every host */
  readonly roles?: readonly RoleName[];
  /** Runs only on hosts that get releases, which is all but those marked `noRelease`. @default false */
  readonly release?: boolean;
  /** Names of the tasks that this one consists of; they run in order, before its own body. */
  readonly steps?: readonly string[];
  /** Name of the task that puts things right when this one fails, whole or in part. */
  readonly onFailure?: string;
  /** Name of the task that puts things right on a host that failed while the run goes on without it. */
  readonly onHostFailure?: string;
  /** From this task on a failure is reported but no longer undone: the release serves. @default false */
  readonly committed?: boolean;
  /** Changes hosts, so the lock is held while it runs. @default true */
  readonly locks?: boolean;
  /** Needs the source, which is then looked up, with all that packing needs, before anything is done on a host; or only its revision. @default false */
  readonly needsSource?: boolean | 'revision';
  readonly run?: (t: TaskContext) => Promise<unknown> | unknown;
}

export type TaskDefinition = Omit<Task, 'kind' | 'name' | 'description'>;

/** Defines a task: `task('app:restart', 'Restart the app', { roles: ['app'], run: (t) => t.on(t.hosts, …) })`. */
export const task = <const Name extends string>(
  name: Name,
  description: string,
  definition: TaskDefinition | Task['run'] = {},
): Task<Name> =>
  Object.freeze({
    kind: 'task',
    name,
    description,
    ...(typeof definition === 'function' ? { run: definition } : definition),
  });
