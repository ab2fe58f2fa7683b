import type { Writable } from 'node:stream';
import type { DeployEvent } from '#protocol/events.ts';
import { openJson } from './json.ts';
import { openPlain } from './plain.ts';
import type { Chosen } from './summary.ts';
import { openTty } from './tty.ts';

/** How to report: `verbosity` -1 quiet, 0, 1 with every command; `columns`, `rows` and `now` (ms, any clock) are asked for every frame. */
export interface ReportOptions {
  readonly format: 'tty' | 'plain' | 'json';
  readonly verbosity: -1 | 0 | 1;
  readonly color: boolean;
  /** What the command line chose, for the next one that is proposed. @default everything */
  readonly chosen?: Chosen;
  readonly out: Writable;
  readonly err: Writable;
  readonly columns: () => number;
  readonly rows: () => number;
  readonly now: () => number;
}

/** Takes events as they happen, never throws and never waits; `close` restores the terminal at once and resolves when all is written. */
export interface Reporter {
  emit(event: DeployEvent): void;
  /** Takes the live display away, as while a person is asked, until what it returns is called. */
  suspend(): () => void;
  close(): Promise<void>;
}

/** Shows a run in one of three ways. The summary ends it: what comes after that is not shown. */
export const openReport = (options: ReportOptions): Reporter => {
  const reporter = open(options);
  let ended = false;
  return {
    emit(event) {
      if (ended) return;
      ended = event.type === 'summary';
      try {
        reporter.emit(event);
      } catch (error) {
        // A display that fails must not stop a deploy; how that ended is told in any case.
        if (event.type === 'summary')
          options.err.write(`${event.ok ? 'done' : 'failed'} (and so did the report: ${error})\n`);
      }
    },
    suspend: () => reporter.suspend?.() ?? (() => {}),
    async close() {
      ended = true;
      await reporter.close();
    },
  };
};

const open = (options: ReportOptions): Omit<Reporter, 'suspend'> & Partial<Reporter> => {
  if (options.format === 'json') return openJson(options);
  return options.format === 'tty' && options.verbosity >= 0 ? openTty(options) : openPlain(options);
};
