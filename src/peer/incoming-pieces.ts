import type { Geometry } from '#torrent/geometry.ts';
import type { ChunkPool } from './chunk-pool.ts';

/** Pieces that are coming in, in memory: chunk by chunk, so that one just begun costs little. */
export interface IncomingPieces {
  /** Copies a block to its place. */
  put(piece: number, offset: number, block: Uint8Array): void;
  /** The bytes of a piece, one part a chunk. */
  parts(piece: number): readonly Uint8Array[];
  /** Forgets a piece and hands over its memory, chunk by chunk. */
  take(piece: number): readonly Buffer[];
  /** Forgets a piece. */
  discard(piece: number): void;
}

/** No piece yet. */
export const createIncomingPieces = (geometry: Geometry, pool: ChunkPool): IncomingPieces => {
  const { chunkBytes } = pool;
  const pieces = new Map<number, (Buffer | undefined)[]>();

  const chunksOf = (piece: number): (Buffer | undefined)[] => {
    const known = pieces.get(piece) ?? new Array(Math.ceil(geometry.pieceSize(piece) / chunkBytes));
    pieces.set(piece, known);
    return known;
  };

  const chunkAt = (chunks: (Buffer | undefined)[], index: number): Buffer => {
    const chunk = chunks[index] ?? pool.take();
    chunks[index] = chunk;
    return chunk;
  };

  const take = (piece: number): readonly Buffer[] => {
    const chunks = chunksOf(piece);
    pieces.delete(piece);
    return chunks.filter((chunk) => chunk !== undefined);
  };

  return {
    put: (piece, offset, block) => {
      const chunks = chunksOf(piece);
      for (let done = 0; done < block.length; ) {
        const from = (offset + done) % chunkBytes;
        const size = Math.min(block.length - done, chunkBytes - from);
        chunkAt(chunks, Math.floor((offset + done) / chunkBytes)).set(block.subarray(done, done + size), from);
        done += size;
      }
    },
    parts: (piece) => {
      const chunks = chunksOf(piece);
      return Array.from({ length: chunks.length }, (_, index) =>
        chunkAt(chunks, index).subarray(0, geometry.pieceSize(piece) - index * chunkBytes),
      );
    },
    take,
    discard: (piece) => {
      for (const memory of take(piece)) pool.giveBack(memory);
    },
  };
};
