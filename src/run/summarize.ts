import type { HostError, HostStatus, HostSummary } from '#protocol/events.ts';
import type { Outcome } from './outcome.ts';

/** Exit codes of the program; see the table in docs/commands.md. */
export const EXIT = { done: 0, failed: 1, usage: 2, partly: 3, locked: 4, connect: 5, interrupted: 130 } as const;

/** What the end of a run means for the shell. A release that serves makes a failure "partly", never "failed". */
export const exitCodeOf = ({ end, committed, errors, marks, fault }: Outcome): number => {
  if (end === 'interrupted') return EXIT.interrupted;
  if (end === 'done' && errors.size === 0) return EXIT.done;
  if (committed && [...marks.values()].includes('published')) return EXIT.partly;
  if ([...errors.values()].some(({ code }) => code === 'locked')) return EXIT.locked;
  return (fault as { exitCode?: number } | undefined)?.exitCode ?? EXIT.failed;
};

/** The verdict for every host of a run that began at `begun`; a host's seconds end with its last task. */
export const hostSummaries = (
  hosts: readonly string[],
  outcome: Pick<Outcome, 'errors' | 'marks' | 'committed' | 'finished'>,
  begun: number,
  traffic: ReadonlyMap<string, { downloaded: number; uploaded: number }>,
  untouched: HostStatus,
): HostSummary[] =>
  hosts.map((host) => {
    const error = outcome.errors.get(host);
    const { downloaded = 0, uploaded = 0 } = traffic.get(host) ?? {};
    return {
      host,
      status: statusOf(outcome, host, error, untouched),
      seconds: Math.max(0, (outcome.finished.get(host) ?? begun) - begun) / 1000,
      downloaded,
      uploaded,
      reused: 0,
      ...(error ? { error } : {}),
      ...(error && !outcome.committed && outcome.marks.get(host) === 'published' ? { notReverted: true } : {}),
    };
  });

/** A host that failed has failed, unless the new release serves there all the same. */
const statusOf = (
  outcome: Pick<Outcome, 'marks' | 'committed'>,
  host: string,
  error: HostError | undefined,
  untouched: HostStatus,
): HostStatus => {
  const mark = outcome.marks.get(host);
  if (error && error.code !== 'interrupted' && !(mark === 'published' && outcome.committed)) return 'failed';
  return mark ?? untouched;
};
