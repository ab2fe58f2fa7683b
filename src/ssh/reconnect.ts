import { setTimeout as pause } from 'node:timers/promises';
import { isCutOff } from '#recipe/remote.ts';
import { ConnectFailed } from './connect-failed.ts';
import type { Session } from './session.ts';

interface Patience {
  /** How long it is tried; the last try may end `connectTimeout` later. */
  readonly seconds: number;
  /** Ends the waiting; where it has been aborted before, one try is left. */
  readonly signal: AbortSignal;
  readonly closing: AbortSignal;
}

/**
 * Connects to a host that was there before: again and again, for it may be starting. Then its port is closed, or sshd
 * is there and lets nobody in yet (pam_nologin), or it is about to stop and lets one in all the same. A host key that has
 * changed ends it at once, and so does a host that is there and with which the run cannot go on.
 * @throws ConnectFailed, CommandFailed: that of the last try
 */
export const reconnect = async (
  open: (signal: AbortSignal) => Promise<Session>,
  { seconds, signal, closing }: Patience,
): Promise<Session> => {
  const stop = signal.aborted ? closing : AbortSignal.any([signal, closing]);
  const deadline = performance.now() + (signal.aborted ? 0 : seconds * 1000);
  for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
    try {
      return await open(stop);
    } catch (error) {
      if (isFinal(error) || stop.aborted || performance.now() + wait > deadline) throw error;
    }
    await pause(wait, undefined, { signal: stop }).catch(() => {});
  }
};

const isFinal = (error: unknown): boolean =>
  error instanceof ConnectFailed ? error.code === 'host-key' : !isCutOff(error);

/** Milliseconds between two tries. */
const FIRST_WAIT = 250;
const LONGEST_WAIT = 4000;
