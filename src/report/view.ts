import type { HostError, Summary } from '#protocol/events.ts';
import type { Transfer } from './transfer.ts';

/** `stopped`: under way when the run ended. `skipped`: never begun. */
type PhaseState = 'waiting' | 'running' | 'done' | 'failed' | 'stopped' | 'skipped';

/** One task of the run; `startedAt` in ms since the epoch, `hosts` their number. */
export interface Phase {
  readonly task: string;
  readonly description: string;
  readonly state: PhaseState;
  readonly hosts: number;
  readonly startedAt: number;
  readonly seconds: number;
  readonly detail: string;
}

/** A command under way on a host (or `local`): `tail` is the raw end of its output. */
export interface Running {
  readonly command: string;
  readonly tail: string;
}

/** Everything that the screen shows, as one value: made from the events alone, without a clock or a terminal. */
export interface View {
  readonly run:
    | { readonly application: string; readonly stage: string; readonly task: string; readonly hosts: number }
    | undefined;
  /** Time of the first and of the newest event, ms since the epoch. */
  readonly startedAt: number;
  readonly at: number;
  readonly connected: number;
  readonly phases: readonly Phase[];
  readonly running: ReadonlyMap<string, Running>;
  readonly failed: ReadonlyMap<string, HostError>;
  readonly transfer: Transfer | undefined;
  readonly summary: Summary | undefined;
}

/** Before the first event. */
export const emptyView: View = {
  run: undefined,
  startedAt: 0,
  at: 0,
  connected: 0,
  phases: [],
  running: new Map(),
  failed: new Map(),
  transfer: undefined,
  summary: undefined,
};
