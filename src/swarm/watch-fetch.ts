import { networkInterfaces } from 'node:os';
import type { TrackerAnswer } from '#peer/announcer.ts';
import type { PeerProgress } from '#peer/start-peer.ts';
import type { Mismatch } from '#peer/transport.ts';
import type { PeerAddress } from '#protocol/control.ts';
import { UserError } from '#recipe/user-error.ts';
import { explainWait, type Waiting } from './explain-wait.ts';

/**
 * The patience of a fetch: it ends when no byte has come for too long, when it has taken too long in all, or when it is
 * interrupted. The stall is counted from when the peer listens, for a large file that is there in part is verified first.
 */
export interface FetchWatch {
  listening(port: number): void;
  progress(progress: PeerProgress): void;
  answered(answer: TrackerAnswer): void;
  /** Somebody was met who could not be spoken with. */
  strange(mismatch: Mismatch): void;
  /** Rejects with the reason when the patience is over; never resolves. */
  readonly over: Promise<never>;
  stop(): void;
}

export interface Patience {
  /** Seconds for the whole; undefined: as long as it takes. */
  readonly timeout?: number;
  /** Seconds without a new byte. */
  readonly stallTimeout: number;
  readonly signal: AbortSignal;
}

/** Begins to watch a fetch of `length` bytes. */
export const watchFetch = (length: number, { timeout, stallTimeout, signal }: Patience): FetchWatch => {
  const answers = new Map<string, Waiting['answers'][number]>();
  const mismatches = new Set<Mismatch>();
  const begun = performance.now();
  let movedAt: number | undefined;
  let ownPort = 0;
  let last: PeerProgress | undefined;
  let giveUp: (error: UserError) => void = () => {};
  const over = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  over.catch(() => {}); // told to whoever waits for it

  const share = (): string => `${length === 0 ? 100 : Math.floor((100 * (last?.bytes ?? 0)) / length)} % is here`;
  const why = (): string => explainWait({ answers: [...answers.values()], peers: last?.peers ?? 0, mismatches });
  const hasPassed = (seconds: number, since: number): boolean => performance.now() - since >= seconds * 1000;
  const interrupted = (): void => giveUp(new UserError('interrupted', 130));

  const ticker = setInterval(() => {
    const stalled = movedAt !== undefined && hasPassed(stallTimeout, movedAt);
    if (stalled) giveUp(new UserError(`no byte came for ${stallTimeout} s: ${why()}; ${share()}`));
    else if (timeout !== undefined && hasPassed(timeout, begun))
      giveUp(
        new UserError(`not done after ${timeout} s: ${(last?.downloaded ?? 0) > 0 ? '' : `${why()}; `}${share()}`),
      );
  }, TICK_MS);
  signal.addEventListener('abort', interrupted);
  if (signal.aborted) interrupted();

  return {
    over,
    listening: (port) => {
      movedAt = performance.now();
      ownPort = port;
    },
    progress: (progress) => {
      if (progress.downloaded > (last?.downloaded ?? 0)) movedAt = performance.now();
      last = progress;
    },
    answered: (answer) => {
      const { url } = answer;
      const isOther = ({ host, port }: PeerAddress) => port !== ownPort || !isOwn(host);
      answers.set(url, 'peers' in answer ? { url, others: answer.peers.filter(isOther).length } : answer);
    },
    strange: (mismatch) => void mismatches.add(mismatch),
    stop: () => {
      clearInterval(ticker);
      signal.removeEventListener('abort', interrupted);
    },
  };
};

const TICK_MS = 100;

/** Most trackers name everybody, whoever asks. */
const isOwn = (address: string): boolean =>
  Object.values(networkInterfaces()).some((own) => own?.some((one) => one.address === address));
