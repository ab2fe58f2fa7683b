import { cancel } from './downloads.ts';
import type { Neighbour } from './neighbour.ts';
import { giveUp, type SwarmState, setStalled } from './swarm-state.ts';

/**
 * A neighbour that delivers nothing for this long loses its requests to those who have the same pieces. On a slow link
 * of our own everybody takes long: then it is twice the time that what is in flight takes at the rate of late.
 */
const STALL_MS = 1200;
const MAX_STALL_MS = 15_000;
const FIRST_FAR_MS = 5000;

/** Hands the requests of neighbours that deliver nothing to others. */
export const routeAroundStalls = (state: SwarmState): void => {
  const limit = stallTime(state);
  for (const peer of state.neighbours.values()) {
    if (peer.pending.size === 0 || state.now - peer.progressAt < (peer.far ? farStallTime(peer, limit) : limit))
      continue;
    setStalled(state, peer, true);
    for (const ref of [...peer.pending.values()]) {
      if (!hasOtherSource(state, peer, ref.piece)) continue;
      cancel(state, peer, ref);
      giveUp(state, peer, ref);
    }
    state.picker.disown(peer);
  }
};

const stallTime = ({ inFlight, geometry, rate, receivedAt }: SwarmState): number => {
  const perMs = rate.perSecond(receivedAt) / 1000;
  if (perMs === 0) return STALL_MS;
  return Math.min(MAX_STALL_MS, Math.max(STALL_MS, (2 * inFlight * geometry.blockBytes) / perMs));
};

/** Between zones blocks wait in the queue of a link that all hosts of a zone share; how long, the last one tells. */
const farStallTime = ({ latest }: Neighbour, limit: number): number =>
  Math.min(MAX_STALL_MS, Math.max(limit, latest === undefined ? FIRST_FAR_MS : 3 * latest));

const hasOtherSource = (state: SwarmState, peer: Neighbour, piece: number): boolean => {
  for (const other of state.neighbours.values()) {
    if (other !== peer && !other.stalled && !other.chokesUs && other.bits.has(piece)) return true;
  }
  return false;
};
