import { type Bitfield, createBitfield } from './bitfield.ts';
import { createRate, type Rate } from './rate.ts';
import type { PeerKey } from './swarm-event.ts';

/** A block on its way, by piece and place in the piece. */
export interface BlockRef {
  readonly piece: number;
  readonly block: number;
}

/** Bytes of a piece that a neighbour asked for. */
export interface UploadRequest {
  readonly piece: number;
  readonly offset: number;
  readonly length: number;
}

/** What the swarm knows of one connected peer. Times are milliseconds. */
export interface Neighbour {
  readonly key: PeerKey;
  readonly fast: boolean;
  /** Pieces it says it has. */
  readonly bits: Bitfield;
  /** It does not serve us. */
  chokesUs: boolean;
  /** We told it that we want pieces. */
  interesting: boolean;
  /** Pieces it has and we lack. */
  wanted: number;
  /** Blocks asked for and not yet here, by number of the block in the whole content. */
  readonly pending: Map<number, BlockRef>;
  readonly rate: Rate;
  /** The last time it sent a block, or was first asked after a rest. */
  progressAt: number;
  /** It has not delivered what was asked for in time; asked for a single block until it does. */
  stalled: boolean;
  /** No request before this time: it has just refused one. */
  pausedUntil: number;
  /** Blocks it asked for, not yet handed to the connection. */
  uploads: UploadRequest[];
  /** Bytes handed to the connection that have not left yet. */
  unsent: number;
  heardAt: number;
  spokeAt: number;
}

/** A peer just connected: it has nothing, serves nobody, and was asked for nothing. */
export const createNeighbour = (key: PeerKey, fast: boolean, pieces: number, now: number): Neighbour => ({
  key,
  fast,
  bits: createBitfield(pieces),
  chokesUs: true,
  interesting: false,
  wanted: 0,
  pending: new Map(),
  rate: createRate(),
  progressAt: now,
  stalled: false,
  pausedUntil: 0,
  uploads: [],
  unsent: 0,
  heardAt: now,
  spokeAt: now,
});
