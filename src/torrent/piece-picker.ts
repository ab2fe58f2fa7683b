import type { Bitfield } from './bitfield.ts';
import type { Geometry } from './geometry.ts';
import type { BlockRef, Neighbour } from './neighbour.ts';
import { ask, askNext, isIdle, type OpenPiece, openPiece, receive, unask } from './open-piece.ts';
import type { PeerKey } from './swarm-event.ts';

/**
 * Decides which block to ask a peer for. A piece is in exactly one state: missing, open (in flight or being checked), or
 * in `have`. A peer first goes on with the piece it began, then with one that somebody gave up, then begins the piece
 * that fewest peers have, chance deciding between equals: what only the seeder has comes first, and different leechers
 * take different pieces. One sender a piece is the rule, since it makes a piece's liar known; peers share a piece only
 * when there is no other left to begin. Open pieces are bounded, for they are held in memory.
 */
export interface PiecePicker {
  /** Pieces neither here nor in flight. */
  readonly missing: readonly number[];
  readonly open: ReadonlyMap<number, OpenPiece>;
  /** A peer has told that it has a piece, or has gone with it. */
  addSource(piece: number): void;
  removeSource(piece: number): void;
  /** Chooses and marks the next block to ask of this peer. */
  pick(peer: Neighbour): BlockRef | undefined;
  /** A peer is no longer asked for a block that is here now. */
  settle(ref: BlockRef): void;
  /** A peer will not send a block. True when its whole piece was thrown away, for nobody is left to finish it. */
  release(peer: PeerKey, ref: BlockRef): boolean;
  /** A block has come, asked for or not. `whole` when it was the piece's last. */
  receive(peer: PeerKey, ref: BlockRef): 'unwanted' | 'stored' | 'whole';
  /** The verdict on a whole piece; for a wrong one names its senders. */
  close(piece: number, ok: boolean): readonly PeerKey[];
}

/** Bytes of pieces in flight, at most; but never fewer than 8 pieces. */
const OPEN_BYTES = 48 * 1024 * 1024;

/** Blocks asked of a second peer when all are in flight: few, since most of them come twice. */
const DUPLICATES_PER_PEER = 4;

/** A picker for what `have` lacks; `have` is kept up to date by `close`. */
export const createPiecePicker = (geometry: Geometry, have: Bitfield, random: () => number): PiecePicker => {
  const maxOpen = Math.max(8, Math.floor(OPEN_BYTES / geometry.pieceLength));
  const missing = Array.from({ length: geometry.pieces }, (_, piece) => piece).filter((piece) => !have.has(piece));
  const sources = new Uint32Array(geometry.pieces);
  const open = new Map<number, OpenPiece>();
  const disputed = new Set<number>();

  const begin = (peer: Neighbour): OpenPiece | undefined => {
    if (open.size >= maxOpen) return undefined;
    const at = chooseMissing(peer);
    if (at === undefined) return undefined;
    const piece = missing[at] as number;
    missing[at] = missing[missing.length - 1] as number;
    missing.pop();
    const sole = disputed.has(piece);
    const begun = openPiece(geometry, piece, sole ? peer.key : ownerFor(peer), sole);
    open.set(piece, begun);
    return begun;
  };

  /** Place in `missing` of the piece to begin: any one at first, so that there is soon something to give; then the rarest. */
  const chooseMissing = (peer: Neighbour): number | undefined => {
    let chosen: number | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    let equals = 0;
    for (let at = 0; at < missing.length; at++) {
      const piece = missing[at] as number;
      if (!peer.bits.has(piece)) continue;
      const rarity = have.count === 0 ? 0 : (sources[piece] as number);
      if (rarity > fewest) continue;
      equals = rarity === fewest ? equals + 1 : 1;
      fewest = rarity;
      if (equals === 1 || random() * equals < 1) chosen = at;
    }
    return chosen;
  };

  /** An open piece with a block to ask this peer for: its own, or one without owner. */
  const resume = (peer: Neighbour): OpenPiece | undefined => {
    let orphan: OpenPiece | undefined;
    for (const piece of open.values()) {
      if (piece.unasked === 0) continue;
      if (piece.owner === peer.key) return piece;
      if (piece.owner === undefined && orphan === undefined && peer.bits.has(piece.piece)) orphan = piece;
    }
    if (orphan !== undefined) orphan.owner = ownerFor(peer);
    return orphan;
  };

  const share = (peer: Neighbour): OpenPiece | undefined => {
    for (const piece of open.values()) {
      if (piece.unasked > 0 && !piece.sole && peer.bits.has(piece.piece)) return piece;
    }
    return undefined;
  };

  /** A block that one other peer is asked for, when nothing else is left or memory allows nothing new (endgame). */
  const duplicate = (peer: Neighbour): BlockRef | undefined => {
    if (missing.length > 0 && open.size < maxOpen) return undefined;
    if (peer.pending.size >= DUPLICATES_PER_PEER) return undefined;
    for (const piece of open.values()) {
      if (piece.left === 0 || piece.sole || !peer.bits.has(piece.piece)) continue;
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

  const discard = (piece: number): void => {
    open.delete(piece);
    missing.push(piece);
  };

  return {
    missing,
    open,
    addSource: (piece) => {
      sources[piece] = (sources[piece] as number) + 1;
    },
    removeSource: (piece) => {
      sources[piece] = (sources[piece] as number) - 1;
    },
    pick: (peer) => {
      const next = resume(peer) ?? begin(peer) ?? share(peer);
      return next === undefined ? duplicate(peer) : { piece: next.piece, block: askNext(next) };
    },
    settle: ({ piece, block }) => {
      const settled = open.get(piece);
      if (settled !== undefined) unask(settled, block);
    },
    release: (peer, { piece, block }) => {
      const released = open.get(piece);
      if (released === undefined) return false;
      unask(released, block);
      if (released.left === 0) return false;
      if (released.owner === peer) released.owner = undefined;
      if (!isIdle(released) || (!released.sole && (sources[piece] as number) > 0)) return false;
      discard(piece);
      return true;
    },
    receive: (peer, { piece, block }) => {
      const target = open.get(piece);
      if (target === undefined || (target.sole && target.owner !== peer)) return 'unwanted';
      if (!receive(target, block, peer)) return 'unwanted';
      return target.left === 0 ? 'whole' : 'stored';
    },
    close: (piece, ok) => {
      const closed = open.get(piece);
      open.delete(piece);
      if (ok) {
        have.add(piece);
        return [];
      }
      missing.push(piece);
      disputed.add(piece);
      return [...(closed?.senders ?? [])];
    },
  };
};
