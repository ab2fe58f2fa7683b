import type { HostError, HostStatus } from '#protocol/events.ts';
import { withPlace } from '#recipe/thrown-at.ts';

/** What has become of the run and of every host in it. Failed hosts are values here: none is lost to another's exception. */
export interface Outcome {
  readonly end: 'done' | 'failed' | 'interrupted';
  /** True once a committed task began: failures after that are reported, not undone. */
  readonly committed: boolean;
  readonly errors: ReadonlyMap<string, HostError>;
  readonly marks: ReadonlyMap<string, HostStatus>;
  /** When a host had done its last task, by performance.now(). */
  readonly finished: ReadonlyMap<string, number>;
  /** What went wrong apart from any host: a build that failed, a mistake in a recipe. */
  readonly fault?: Error;
}

/** Hosts failed inside a task; which and why stands in the outcome. */
export class HostsFailed extends Error {
  override readonly name = 'HostsFailed';
}

/** Something was thrown, or rejected, where nobody waited for it: in a callback of a recipe's, or for want of an `await`. The run is ended by it. */
export class Stray extends Error {
  override readonly name = 'Stray';
  constructor(thrown: unknown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    super(`${withPlace(error)}: nobody waited for this; is an \`await\` missing?`, { cause: error });
  }
}

/** The user, or the system, asked for the end. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}
