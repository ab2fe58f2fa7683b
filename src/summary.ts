import type { Config } from '#config/config.ts';
import type { HostError, Summary } from '#protocol/events.ts';
import { withPlace } from '#recipe/thrown-at.ts';
import { UserError } from '#recipe/user-error.ts';
import type { Outcome, Stray } from '#run/outcome.ts';
import { EXIT, exitCodeOf, hostSummaries } from '#run/summarize.ts';
import type { Made } from './deployment.ts';

/** What is known of a run from its start. */
export interface RunFacts {
  readonly config: Config;
  readonly task: string;
  readonly onlyFailed: boolean;
  readonly hosts: readonly string[];
  /** performance.now() at the start. */
  readonly begun: number;
  readonly made: Made;
  readonly signal: AbortSignal;
}

/** How a run ended: before its tasks, or with them. */
export type RunEnd =
  | { readonly unreachable: readonly Unreachable[] }
  | { readonly locked: ReadonlyMap<string, HostError> }
  | { readonly outcome: Outcome; readonly unreachable: readonly Unreachable[] };

interface Unreachable {
  readonly host: string;
  readonly error: HostError;
}

/** The last event of a run, whatever happened. */
export const summaryOf = ({ config, task, onlyFailed, hosts, begun, made, signal }: RunFacts, end: RunEnd): Summary => {
  const seconds = (performance.now() - begun) / 1000;
  const outcome = asOutcome(end, signal.aborted);
  const exitCode = 'outcome' in end ? lateExitCode(end) : earlyExitCode(end, signal.aborted);
  const untouched = 'outcome' in end ? 'unchanged' : 'skipped';
  const { artifact, transfer } = made;
  return {
    ok: exitCode === EXIT.done,
    exitCode,
    application: config.application,
    stage: config.stage,
    task,
    ...(onlyFailed ? { onlyFailed } : {}),
    ...(made.release === undefined ? {} : { release: made.release }),
    ...(artifact ? { revision: artifact.revision, artifact: { bytes: artifact.bytes, files: artifact.files } } : {}),
    seconds,
    ...(transfer ? { swarm: { seconds: transfer.seconds, seederUploaded: transfer.seederUploaded } } : {}),
    hosts: hostSummaries(hosts, outcome, begun, transfer?.traffic ?? new Map(), untouched),
    ...(outcome.fault ? { error: { message: faultMessage(outcome.fault) } } : {}),
  };
};

/** What is no mistake that we know of comes with its place in the user's files. */
const faultMessage = (fault: Error): string => (fault instanceof UserError ? fault.message : withPlace(fault));

/** The summary of a run that was stopped by what nobody waited for: that is its failure. */
export const stoppedBy = ({ message }: Stray, summary: Summary): Summary => {
  const serves = summary.hosts.some(({ status }) => status === 'published');
  const asItEnded = summary.exitCode !== EXIT.done && summary.exitCode !== EXIT.interrupted;
  const exitCode = asItEnded ? summary.exitCode : serves ? EXIT.partly : EXIT.failed;
  return { ...summary, ok: false, exitCode, error: { message } };
};

/** Hosts that could not be asked leave a question that went well elsewhere unanswered. */
const lateExitCode = ({ outcome, unreachable }: Extract<RunEnd, { outcome: Outcome }>): number => {
  const exitCode = exitCodeOf(outcome);
  return exitCode === EXIT.done && unreachable.length > 0 ? EXIT.connect : exitCode;
};

const earlyExitCode = (end: Exclude<RunEnd, { outcome: Outcome }>, interrupted: boolean): number => {
  if (interrupted) return EXIT.interrupted;
  if ('unreachable' in end) return EXIT.connect;
  return [...end.locked.values()].some(({ code }) => code === 'locked') ? EXIT.locked : EXIT.failed;
};

const nothing = { marks: new Map(), finished: new Map() };

const asOutcome = (end: RunEnd, interrupted: boolean): Outcome => {
  const unreachable = 'unreachable' in end ? end.unreachable.map(({ host, error }) => [host, error] as const) : [];
  if ('outcome' in end) return { ...end.outcome, errors: new Map([...end.outcome.errors, ...unreachable]) };
  const errors = 'locked' in end ? end.locked : new Map(unreachable);
  if (interrupted) return { end: 'interrupted', committed: false, ...nothing, errors: new Map() }; // what failed then, failed by that
  return { end: 'failed', committed: false, ...nothing, errors };
};
