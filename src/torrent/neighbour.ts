import { type Bitfield, createBitfield } from './bitfield.ts';
import { createRate, type Rate } from './rate.ts';
import type { PeerKey } from './swarm-event.ts';

/** A block on its way, by piece and place in the piece. */
export interface BlockRef {
  readonly piece: number;
  readonly block: number;
}

/** A block asked for. */
export interface PendingBlock extends BlockRef {
  readonly askedAt: number;
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
  readonly since: number;
  /** Where it says it is. */
  zone: string | undefined;
  /** It is in another zone than we. */
  far: boolean;
  /** Pieces it says it has. */
  readonly bits: Bitfield;
  /** It does not serve us. */
  chokesUs: boolean;
  /** We told it that we want pieces. */
  interesting: boolean;
  /** It has said that it wants pieces: the deployer's seeder never does. */
  wanted: boolean;
  /** When it said that it wants none any more; undefined when it did not. */
  contentAt: number | undefined;
  /** Pieces it has that are missing here and not in flight. */
  askable: number;
  /** Blocks asked for and not yet here, by number of the block in the whole content. */
  readonly pending: Map<number, PendingBlock>;
  /** Requests that it lets stand at a time. */
  maxRequests: number;
  /** Blocks that it may be asked for at a time. */
  window: number;
  readonly rate: Rate;
  /** The least time that a block of its took from request to arrival; infinity before the first. */
  quickest: number;
  /** The time that its latest block took; undefined before the first. */
  latest: number | undefined;
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
  /** Pieces it has yet to be told that we have. */
  news: number[];
  /** The last time that it heard all news. */
  toldAt: number;
  heardAt: number;
  spokeAt: number;
}

/** Requests that every client lets stand (the default of BEP 10's `reqq` in libtorrent). */
const MAX_REQUESTS = 250;

/** Blocks that a neighbour is asked for before its rate is known. */
const FIRST_WINDOW = 4;

/** A peer just connected: it has nothing, serves nobody, and was asked for nothing. */
export const createNeighbour = (key: PeerKey, fast: boolean, pieces: number, now: number): Neighbour => ({
  key,
  fast,
  since: now,
  zone: undefined,
  far: false,
  bits: createBitfield(pieces),
  chokesUs: true,
  interesting: false,
  wanted: false,
  contentAt: undefined,
  askable: 0,
  pending: new Map(),
  maxRequests: MAX_REQUESTS,
  window: FIRST_WINDOW,
  rate: createRate(),
  quickest: Number.POSITIVE_INFINITY,
  latest: undefined,
  progressAt: now,
  stalled: false,
  pausedUntil: 0,
  uploads: [],
  unsent: 0,
  news: [],
  toldAt: now,
  heardAt: now,
  spokeAt: now,
});
