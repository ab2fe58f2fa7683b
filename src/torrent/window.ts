import type { Neighbour } from './neighbour.ts';
import type { SwarmState } from './swarm-state.ts';

/**
 * How much may be asked for at a time. By Little's law, requests in flight divided by the rate is how long a block takes
 * from request to arrival: asking for WINDOW_SECONDS of the rate keeps links busy over any sane round trip, and keeps the
 * queues before them that short, so that news and requests get through. The rate is the best of late: were it that of the moment,
 * a host that falls behind would ask for less, and fall behind further.
 */
const WINDOW_SECONDS = 0.5;
const NEIGHBOUR_SECONDS = 0.4;
const BEST_RATE_HALVES_MS = 5000;
const MIN_WINDOW = 16;
const MIN_EACH = 2;
const MAX_WINDOW = 1024;
const MIN_NEIGHBOUR_WINDOW = 4;

/** Blocks that may be in flight from all neighbours together. */
export const windowOfAll = (state: SwarmState): number =>
  clamp(
    (state.bestRate * WINDOW_SECONDS) / state.geometry.blockBytes,
    Math.max(MIN_WINDOW, MIN_EACH * state.neighbours.size),
    MAX_WINDOW,
  );

/** Follows the rate: up at once, down by half in BEST_RATE_HALVES_MS. Wanted every tick. */
export const followRate = (state: SwarmState, passed: number): void => {
  const faded = state.bestRate * 0.5 ** (passed / BEST_RATE_HALVES_MS);
  state.bestRate = Math.max(faded, state.rate.perSecond(state.now));
};

/** Blocks that may be in flight from one neighbour; one, as a trial, from one that has stalled. */
export const windowOf = (state: SwarmState, peer: Neighbour): number => {
  if (peer.stalled) return 1;
  const blocks = (peer.rate.perSecond(state.now) * NEIGHBOUR_SECONDS) / state.geometry.blockBytes;
  return clamp(blocks, MIN_NEIGHBOUR_WINDOW, peer.maxRequests);
};

/** Whether a neighbour serves us and would take a request now. */
export const hasRoom = (state: SwarmState, peer: Neighbour): boolean =>
  !peer.chokesUs && state.now >= peer.pausedUntil && peer.pending.size < windowOf(state, peer);

const clamp = (blocks: number, least: number, most: number): number =>
  Math.min(most, Math.max(least, Math.ceil(blocks)));
