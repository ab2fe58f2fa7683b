import type { TaskContext } from './task-context.ts';

/**
 * One named piece of work, as plain data: a task is defined in one module instance and run by another, so nothing here
 * may depend on identity. Names are Capistrano's where Capistrano has the word.
 */
export interface Task {
  readonly kind: 'task';
  readonly name: string;
  readonly description: string;
  /** Runs only on hosts that have one of these roles. @default every host */
  readonly roles?: readonly string[];
  /** Names of the tasks that this one consists of; they run in order, before its own body. */
  readonly steps?: readonly string[];
  /** Names of the task that puts things right when this one fails, whole or in part. */
  readonly onFailure?: string;
  /** From this task on a failure is reported but no longer undone: the release serves. @default false */
  readonly committed?: boolean;
  /** Changes hosts, so the lock is held while it runs. @default true */
  readonly locks?: boolean;
  /** Needs the source, which is then looked up before any host is touched. @default false */
  readonly needsSource?: boolean;
  readonly run?: (t: TaskContext) => Promise<void> | void;
}

export type TaskDefinition = Omit<Task, 'kind' | 'name' | 'description'>;

/** Defines a task: `task('app:restart', 'Restart the app', { roles: ['app'], run: (t) => t.on(t.hosts, …) })`. */
export const task = (name: string, description: string, definition: TaskDefinition | Task['run'] = {}): Task =>
  Object.freeze({
    kind: 'task',
    name,
    description,
    ...(typeof definition === 'function' ? { run: definition } : definition),
  });
