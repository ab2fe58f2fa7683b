import type { Bitfield } from './bitfield.ts';
import type { Geometry } from './geometry.ts';
import type { BlockRef, Neighbour } from './neighbour.ts';
import { ask, askNext, isIdle, type OpenPiece, openPiece, receive, unask } from './open-piece.ts';
import { createRarityIndex } from './rarity.ts';
import type { PeerKey } from './swarm-event.ts';

/**
 * Decides which block to ask a peer for. A piece is in exactly one state: missing, open (in flight or being checked), or
 * in `have`. A peer first goes on with the piece it began, then with one that somebody gave up, then begins the piece
 * that fewest neighbours have, chance deciding between equals. One sender a piece is the rule, since it makes a piece's
 * liar known; peers share a piece only when there is no other left to begin. Open pieces are bounded, for they are held in memory.
 */
export interface PiecePicker {
  /** Number of pieces neither here nor in flight. */
  readonly missing: number;
  /** Those of them that a neighbour has. */
  readonly available: number;
  readonly open: ReadonlyMap<number, OpenPiece>;
  isMissing(piece: number): boolean;
  /** How many neighbours have a piece. */
  sources(piece: number): number;
  /** A peer has told that it has a piece. */
  gain(peer: Neighbour, piece: number): void;
  /** A peer has gone, with all it had. */
  lose(peer: Neighbour): void;
  /** A peer has gone or does not deliver: the pieces it began are anybody's. */
  disown(peer: Neighbour): void;
  /** Whether `pick` may find something for this peer that is not in flight yet. */
  offers(peer: Neighbour): boolean;
  /** Chooses and marks the next block to ask of this peer. */
  pick(peer: Neighbour): BlockRef | undefined;
  /** Begins the rarest missing piece with the peer that `sourceOf` names; looks at a few of the rarest only. */
  beginRarest(sourceOf: (piece: number) => Neighbour | undefined): Neighbour | undefined;
  /** A peer is no longer asked for a block that is here now. */
  settle(ref: BlockRef): void;
  /** A peer will not send a block. True when its whole piece was thrown away, for nobody is left to finish it. */
  release(peer: PeerKey, ref: BlockRef): boolean;
  /** A block has come, asked for or not. `whole` when it was the piece's last. */
  receive(peer: PeerKey, ref: BlockRef): 'unwanted' | 'stored' | 'whole';
  /** The verdict on a whole piece; for a wrong one names its senders. */
  close(piece: number, ok: boolean): readonly PeerKey[];
}

export interface PickerOptions {
  readonly geometry: Geometry;
  /** Kept up to date by `close`. */
  readonly have: Bitfield;
  readonly random: () => number;
  /** Those connected; their `askable` is kept up to date. */
  readonly neighbours: ReadonlyMap<PeerKey, Neighbour>;
  /** Whether a peer that has a piece may be asked for it; default: always. */
  readonly mayAsk?: (peer: Neighbour, piece: number) => boolean;
}

/** Bytes of pieces in flight, at most; but never fewer than 8 pieces. */
const OPEN_BYTES = 24 * 1024 * 1024;

/** Blocks asked of a second peer when all are in flight: few, since most of them come twice. */
const DUPLICATES_PER_PEER = 4;

/** Pieces that `beginRarest` looks at. */
const RAREST = 16;

/** A picker for what `have` lacks. */
export const createPiecePicker = (options: PickerOptions): PiecePicker => {
  const { geometry, have, random, neighbours, mayAsk = () => true } = options;
  const maxOpen = Math.max(8, Math.floor(Math.max(OPEN_BYTES, 32 * geometry.blockBytes) / geometry.pieceLength));
  const missing = createRarityIndex(geometry.pieces, random);
  for (let piece = 0; piece < geometry.pieces; piece++) if (!have.has(piece)) missing.add(piece);
  const open = new Map<number, OpenPiece>();
  const unasked = new Set<OpenPiece>(); // open pieces with a block that nobody is asked for
  const disputed = new Set<number>();

  const has = (peer: Neighbour, piece: number): boolean => peer.bits.has(piece) && mayAsk(peer, piece);

  const note = (piece: OpenPiece): void => {
    if (piece.unasked > 0) unasked.add(piece);
    else unasked.delete(piece);
  };

  const countAskable = (piece: number, by: number): void => {
    for (const peer of neighbours.values()) if (peer.bits.has(piece)) peer.askable += by;
  };

  const begin = (piece: number, peer: Neighbour): OpenPiece => {
    missing.remove(piece);
    countAskable(piece, -1);
    const sole = disputed.has(piece);
    const begun = openPiece(geometry, piece, sole ? peer.key : ownerFor(peer), sole);
    open.set(piece, begun);
    unasked.add(begun);
    return begun;
  };

  const beginFor = (peer: Neighbour): OpenPiece | undefined => {
    if (peer.askable === 0 || open.size >= maxOpen) return undefined;
    const piece = missing.rarest((candidate) => has(peer, candidate));
    return piece === undefined ? undefined : begin(piece, peer);
  };

  /** An open piece with a block to ask this peer for: its own, or one without owner. */
  const resume = (peer: Neighbour): OpenPiece | undefined => {
    let orphan: OpenPiece | undefined;
    for (const piece of unasked) {
      if (piece.owner === peer.key) return piece;
      if (piece.owner === undefined && orphan === undefined && has(peer, piece.piece)) orphan = piece;
    }
    if (orphan !== undefined) orphan.owner = ownerFor(peer);
    return orphan;
  };

  const share = (peer: Neighbour): OpenPiece | undefined => {
    for (const piece of unasked) if (!piece.sole && has(peer, piece.piece)) return piece;
    return undefined;
  };

  /** A block that one other peer is asked for, when nothing else is left (endgame). */
  const duplicate = (peer: Neighbour): BlockRef | undefined => {
    if (missing.size > 0) return undefined;
    if (peer.pending.size >= DUPLICATES_PER_PEER) return undefined;
    for (const piece of open.values()) {
      if (piece.left === 0 || piece.sole || !has(peer, piece.piece)) continue;
      for (let block = 0; block < piece.asked.length; block++) {
        if (piece.asked[block] !== 1 || piece.received[block] === 1) continue;
        if (peer.pending.has(piece.piece * geometry.blocksPerPiece + block)) continue;
        ask(piece, block);
        return { piece: piece.piece, block };
      }
    }
    return undefined;
  };

  /** A stalled peer is tried with one block now and then; the rest of that piece is anybody's. */
  const ownerFor = (peer: Neighbour): PeerKey | undefined => (peer.stalled ? undefined : peer.key);

  const giveBack = (piece: number): void => {
    const closed = open.get(piece);
    open.delete(piece);
    if (closed !== undefined) unasked.delete(closed);
    missing.add(piece);
    countAskable(piece, 1);
  };

  return {
    get missing() {
      return missing.size;
    },
    get available() {
      return missing.available;
    },
    open,
    isMissing: missing.has,
    sources: missing.sources,
    gain: (peer, piece) => {
      missing.addSource(piece);
      if (missing.has(piece)) peer.askable++;
    },
    lose: (peer) => {
      for (let piece = 0; piece < peer.bits.size; piece++) if (peer.bits.has(piece)) missing.removeSource(piece);
      peer.askable = 0;
    },
    disown: (peer) => {
      for (const piece of open.values()) {
        if (piece.owner !== peer.key) continue;
        piece.owner = undefined;
        if (piece.sole && piece.left > 0 && isIdle(piece)) giveBack(piece.piece);
      }
    },
    offers: (peer) => (peer.askable > 0 && open.size < maxOpen) || unasked.size > 0,
    pick: (peer) => {
      const next = resume(peer) ?? beginFor(peer) ?? share(peer);
      if (next === undefined) return duplicate(peer);
      const block = askNext(next);
      note(next);
      return { piece: next.piece, block };
    },
    beginRarest: (sourceOf) => {
      if (open.size >= maxOpen) return undefined;
      let source: Neighbour | undefined;
      const piece = missing.rarest((candidate) => {
        source = sourceOf(candidate);
        return source !== undefined;
      }, RAREST);
      if (piece === undefined || source === undefined) return undefined;
      begin(piece, source);
      return source;
    },
    settle: ({ piece, block }) => {
      const settled = open.get(piece);
      if (settled === undefined) return;
      unask(settled, block);
      note(settled);
    },
    release: (peer, { piece, block }) => {
      const released = open.get(piece);
      if (released === undefined) return false;
      unask(released, block);
      note(released);
      if (released.left === 0) return false;
      if (released.owner === peer) released.owner = undefined;
      if (!isIdle(released) || (!released.sole && missing.sources(piece) > 0)) return false;
      giveBack(piece);
      return true;
    },
    receive: (peer, { piece, block }) => {
      const target = open.get(piece);
      if (target === undefined || (target.sole && target.owner !== peer)) return 'unwanted';
      if (!receive(target, block, peer)) return 'unwanted';
      note(target);
      return target.left === 0 ? 'whole' : 'stored';
    },
    close: (piece, ok) => {
      const closed = open.get(piece);
      if (ok) {
        open.delete(piece);
        have.add(piece);
        return [];
      }
      giveBack(piece);
      disputed.add(piece);
      return [...(closed?.senders ?? [])];
    },
  };
};
