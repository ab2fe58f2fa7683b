import type { Geometry } from '#torrent/geometry.ts';

/** What a node keeps of content: whether a block is stored, and whether it is wrong. */
export interface Disk {
  /** Keeps a block. @throws when it is there already. */
  store(piece: number, block: number, wrong: boolean): void;
  /** Compares a whole piece with its hash, and forgets it when wrong. @throws when it is not whole. */
  check(piece: number): boolean;
  discard(piece: number): void;
}

/** An empty disk: a bit a block, and a note of the wrong ones. */
export const createDisk = (geometry: Geometry): Disk => {
  const stored = new Uint8Array(Math.ceil((geometry.pieces * geometry.blocksPerPiece) / 8));
  const wrong = new Set<number>();
  const numberOf = (piece: number, block: number): number => piece * geometry.blocksPerPiece + block;
  const has = (at: number): boolean => ((stored[at >> 3] as number) & (1 << (at & 7))) !== 0;

  const discard = (piece: number): void => {
    for (let block = 0; block < geometry.blockCount(piece); block++) {
      const at = numberOf(piece, block);
      stored[at >> 3] = (stored[at >> 3] as number) & ~(1 << (at & 7));
      wrong.delete(at);
    }
  };

  return {
    discard,
    store: (piece, block, isWrong) => {
      const at = numberOf(piece, block);
      if (has(at)) throw new Error('stores a block twice');
      stored[at >> 3] = (stored[at >> 3] as number) | (1 << (at & 7));
      if (isWrong) wrong.add(at);
    },
    check: (piece) => {
      let right = true;
      for (let block = 0; block < geometry.blockCount(piece); block++) {
        const at = numberOf(piece, block);
        if (!has(at)) throw new Error('checks a piece that is not whole');
        if (wrong.has(at)) right = false;
      }
      if (!right) discard(piece);
      return right;
    },
  };
};
