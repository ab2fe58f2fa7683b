import type { Geometry } from './geometry.ts';
import type { PeerKey } from './swarm-event.ts';

/** A piece some of whose blocks are asked for or here. */
export interface OpenPiece {
  readonly piece: number;
  /** The peer that began it and asks for its blocks in order; undefined when that one gave up. */
  owner: PeerKey | undefined;
  /** Only the owner may send its blocks, so that a wrong hash tells who lied. */
  readonly sole: boolean;
  /** 1 for a block that is here. */
  readonly received: Uint8Array;
  /** How many peers a block is asked of. */
  readonly asked: Uint8Array;
  /** Blocks neither here nor asked for. */
  unasked: number;
  /** Blocks not here. */
  left: number;
  readonly senders: Set<PeerKey>;
}

/** A piece just begun by `owner`. */
export const openPiece = (geometry: Geometry, piece: number, owner: PeerKey | undefined, sole: boolean): OpenPiece => {
  const blocks = geometry.blockCount(piece);
  return {
    ...{ piece, owner, sole },
    received: new Uint8Array(blocks),
    asked: new Uint8Array(blocks),
    unasked: blocks,
    left: blocks,
    senders: new Set(),
  };
};

/** Marks the first block that nobody was asked for as asked. There is one: `unasked` is above 0. */
export const askNext = (open: OpenPiece): number => {
  let block = 0;
  while (open.received[block] === 1 || open.asked[block] !== 0) block++;
  ask(open, block);
  return block;
};

/** Marks a block as asked of one peer more. */
export const ask = (open: OpenPiece, block: number): void => {
  if (open.asked[block] === 0) open.unasked--;
  open.asked[block] = (open.asked[block] as number) + 1;
};

/** Marks a block as asked of one peer less. */
export const unask = (open: OpenPiece, block: number): void => {
  open.asked[block] = (open.asked[block] as number) - 1;
  if (open.asked[block] === 0 && open.received[block] === 0) open.unasked++;
};

/** Marks a block as here; false when it was before. */
export const receive = (open: OpenPiece, block: number, sender: PeerKey): boolean => {
  if (open.received[block] === 1) return false;
  open.received[block] = 1;
  if (open.asked[block] === 0) open.unasked--;
  open.left--;
  open.senders.add(sender);
  return true;
};

/** True when no peer is asked for any of its blocks. */
export const isIdle = (open: OpenPiece): boolean => open.asked.every((count) => count === 0);
