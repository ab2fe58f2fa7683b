import type { Neighbour } from './neighbour.ts';
import type { PiecePicker } from './piece-picker.ts';
import type { PeerKey } from './swarm-event.ts';

/** Where a host is: hosts of one zone reach each other better than those of another. */
export interface Place {
  readonly name: string;
  /** Which of its zone's gateways this host is, from 0, and how many they are. A host without neighbours elsewhere is none. */
  readonly gateway?: readonly [number, number];
}

/**
 * What a host asks of neighbours in other zones. A piece shall cross once: of the zone's gateways each fetches its own share
 * of the pieces from far, those that nobody near has, and passes them on. When nothing comes from near for a while although
 * there is something far, because a gateway is slow or gone, a host also borrows a few pieces of the others' shares.
 */
export interface Zone {
  readonly name: string;
  mayAsk(peer: Neighbour, piece: number): boolean;
  /** How many of the hosts near have a piece, counted up to three. */
  sources(piece: number): number;
  /** Payload has come. */
  received(peer: Neighbour, now: number): void;
  /** Wanted every tick. `idle`: nothing is in flight. */
  review(now: number, idle: boolean): void;
}

export interface ZoneOptions {
  readonly place: Place;
  readonly neighbours: ReadonlyMap<PeerKey, Neighbour>;
  readonly random: () => number;
  readonly picker: () => PiecePicker;
  readonly pieces: number;
}

const PATIENCE_MS = 2000;
const BORROWED = 4;

/** The zone of a host that knows nobody yet. */
export const createZone = ({ place, neighbours, random, picker, pieces }: ZoneOptions): Zone => {
  const [own, all] = place.gateway ?? [-1, 1];
  const borrowed = new Set<number>();
  let fedAt: number | undefined;

  const sources = (piece: number): number => {
    let count = 0;
    for (const peer of neighbours.values()) if (!peer.far && peer.bits.has(piece) && ++count === 3) break;
    return count;
  };

  const borrow = (): void => {
    for (const piece of borrowed) if (!picker().isMissing(piece) && !picker().open.has(piece)) borrowed.delete(piece);
    const start = Math.floor(random() * pieces);
    for (let step = 0; step < pieces && borrowed.size < BORROWED; step++) {
      const piece = (start + step) % pieces;
      if (picker().isMissing(piece) && picker().sources(piece) > 0 && sources(piece) === 0) borrowed.add(piece);
    }
  };

  return {
    name: place.name,
    mayAsk: (peer, piece) => !peer.far || ((piece % all === own || borrowed.has(piece)) && sources(piece) === 0),
    sources,
    received: (peer, now) => {
      if (!peer.far) fedAt = now;
    },
    review: (now, idle) => {
      fedAt ??= now;
      const offered = [...neighbours.values()].some((peer) => peer.far && peer.askable > 0);
      if (!offered && borrowed.size === 0) fedAt = now;
      if (now - fedAt <= PATIENCE_MS) borrowed.clear();
      else if (idle || borrowed.size > 0) borrow();
    },
  };
};
