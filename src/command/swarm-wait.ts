import type { PeerHandle, PeerProgress } from '#peer/start-peer.ts';
import { UserError } from '#recipe/user-error.ts';
import { toUserError } from '#swarm/fetch-torrent.ts';

/** Resolves when the signal comes, or after so many seconds. */
export const untilSignal = (signal: AbortSignal, seconds = Number.POSITIVE_INFINITY): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearInterval(ticker);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const begun = performance.now();
    const ticker = setInterval(() => performance.now() - begun >= seconds * 1000 && end(), TICK_MS); // a timer cannot wait for months
    signal.addEventListener('abort', end);
  });

const TICK_MS = 100;

/** The work, or its interruption: what cannot be stopped is not waited for, the program ends anyway. @throws UserError, exit code 130 */
export const orInterrupted = async <T>(signal: AbortSignal, work: Promise<T>): Promise<T> => {
  const interrupted = untilSignal(signal).then(() => Promise.reject(new UserError('interrupted', 130)));
  return Promise.race([work, interrupted]);
};

/** Lets a peer serve until the signal or the time is over, then stops it. @throws UserError when its disk fails */
export const serve = async (peer: PeerHandle, signal: AbortSignal, seconds?: number): Promise<PeerProgress> => {
  const failed = peer.failed.then((error) => Promise.reject(toUserError(error)));
  try {
    await Promise.race([untilSignal(signal, seconds), failed]);
  } finally {
    await peer.stop();
  }
  return peer.progress();
};
