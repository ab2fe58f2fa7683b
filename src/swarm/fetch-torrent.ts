import { PeerError } from '#peer/peer-error.ts';
import { type PeerHandle, type PeerOptions, startPeer } from '#peer/start-peer.ts';
import { UserError } from '#recipe/user-error.ts';
import { failureWords } from './failure-words.ts';
import { type Patience, watchFetch } from './watch-fetch.ts';

export interface TorrentFetch extends Omit<PeerOptions, 'complete' | 'introduced' | 'sha256'>, Patience {
  /** Bytes of the content. */
  readonly length: number;
}

/**
 * Resolves, to a peer that goes on serving it, when every piece is right and on disk. What the file holds already is
 * verified and kept, also when the fetch ends without success. @throws UserError that says what was missing, exit code 130 when interrupted
 */
export const fetchTorrent = async (request: TorrentFetch): Promise<PeerHandle> => {
  const watch = watchFetch(request.length, request);
  const starting = startPeer({
    ...request,
    report: (report) => {
      if (report.kind === 'listening') watch.listening(report.port);
      if (report.kind === 'progress') watch.progress(report);
      request.report?.(report);
    },
    answered: (answer) => {
      watch.answered(answer);
      request.answered?.(answer);
    },
    strange: (stranger) => {
      watch.strange(stranger.mismatch);
      request.strange?.(stranger);
    },
  });
  let peer: PeerHandle | undefined;
  try {
    peer = await Promise.race([starting, watch.over]);
    await Promise.race([peer.verified, watch.over, peer.failed.then((error) => Promise.reject(error))]);
    return peer;
  } catch (error) {
    if (peer) await peer.stop();
    else starting.then((late) => late.stop()).catch(() => {}); // it may start, or fail, after the patience was over
    throw toUserError(error as Error);
  } finally {
    watch.stop();
  }
};

/** What the user can mend, a full disk or a missing right, in words; anything else stays a bug. */
export const toUserError = (error: Error): Error =>
  error instanceof PeerError && error.code !== 'bug' ? new UserError(failureWords(error)) : error;
