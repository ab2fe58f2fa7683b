import type { Neighbour } from './neighbour.ts';
import type { SwarmState } from './swarm-state.ts';

/**
 * How much may be asked for at a time. By Little's law, requests in flight divided by the rate is how long a block takes
 * from request to arrival: asking for WINDOW_SECONDS of the rate keeps links busy over any sane round trip, and keeps the
 * queues before them that short, so that news and requests get through. The rate is the best of late: were it that of the moment,
 * a host that falls behind would ask for less, and fall behind further. One neighbour is asked for what it delivers in twice the
 * time of its quickest block, and QUEUE_SECONDS more. Every step of a piece through the swarm waits in such a queue, and a
 * block that waits in one while others who have it are idle is a link idle.
 */
const WINDOW_SECONDS = 0.5;
const QUEUE_SECONDS = 0.05;
const MAX_NEIGHBOUR_SECONDS = 0.4;
const SHARED_SECONDS = 0.2;
const BEHIND_SECONDS = 0.3;
const BEST_RATE_HALVES_MS = 5000;
const MIN_BYTES = 256 * 1024;
const MIN_EACH = 2;
const LEAST_BYTES = 64 * 1024;
const MOST_LEAST_BYTES = 128 * 1024;
const MAX_BYTES = 32 * 1024 * 1024;

/** Measures the windows anew; wanted every tick. */
export const measureWindows = (state: SwarmState): void => {
  const { geometry, neighbours, now } = state;
  const faded = state.bestRate * 0.5 ** ((now - state.measuredAt) / BEST_RATE_HALVES_MS);
  state.bestRate = Math.max(faded, state.rate.perSecond(now));
  state.measuredAt = now;
  const least = Math.max(MIN_BYTES, MIN_EACH * geometry.blockBytes * neighbours.size);
  const wanted = Math.max(least, Math.min(MAX_BYTES, state.bestRate * WINDOW_SECONDS));
  state.window = blocksOf(wanted, geometry.blockBytes, Number.POSITIVE_INFINITY);
  const leastEach = leastOfEach(state);
  for (const peer of neighbours.values()) {
    const seconds = Math.min(MAX_NEIGHBOUR_SECONDS, (2 * peer.quickest) / 1000 + QUEUE_SECONDS);
    const bytes = Math.max(leastEach, peer.rate.perSecond(now) * seconds);
    peer.window = blocksOf(bytes, geometry.blockBytes, peer.maxRequests);
  }
};

/** Blocks that may be in flight from one neighbour; one, as a trial, from one that has stalled. */
export const windowOf = (peer: Neighbour): number => (peer.stalled ? 1 : peer.window);

/** Whether a neighbour serves us and would take a request now. */
export const hasRoom = (state: SwarmState, peer: Neighbour): boolean =>
  !peer.chokesUs && peer.pending.size < windowOf(peer) && state.now >= peer.pausedUntil;

/**
 * Bytes that each neighbour may be asked for whatever it delivers, for the rarest pieces are those that a single one has: an even share
 * of SHARED_SECONDS of the rate. With more, all hosts' requests wait in each other's queues. A host that gets less than others
 * has much to choose from that it lacks, more than comes in BEHIND_SECONDS: it asks for more in proportion, or it would fall behind
 * further. Between zones that says nothing, since most of what is to be had far away is not for this host to fetch.
 */
const leastOfEach = ({
  geometry: { blockBytes, pieceLength },
  bestRate,
  neighbours,
  picker,
  zone,
}: SwarmState): number => {
  if (zone !== undefined) return Math.max(LEAST_BYTES, Math.min(2 * blockBytes, MOST_LEAST_BYTES)); // two blocks
  if (bestRate === 0) return MOST_LEAST_BYTES;
  const share = (bestRate * SHARED_SECONDS) / neighbours.size;
  const behind = (picker.available * pieceLength) / (bestRate * BEHIND_SECONDS);
  return Math.round(Math.min(MOST_LEAST_BYTES, share * Math.max(1, behind)) / blockBytes) * blockBytes;
};

const blocksOf = (bytes: number, blockBytes: number, most: number): number =>
  Math.min(most, Math.max(1, Math.ceil(bytes / blockBytes)));
