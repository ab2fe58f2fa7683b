import type { Geometry } from '#torrent/geometry.ts';
import type { ChunkPool } from './chunk-pool.ts';
import { type ContentFile, readExactly } from './content-file.ts';

/** Reads blocks of pieces that are present through a small cache. */
export interface ChunkCache {
  /** Bytes of a piece, at once where they are in memory. */
  read(piece: number, offset: number, length: number): LentBlock | Promise<LentBlock>;
  /** Takes over the memory of a piece that has come in: its chunks in order. It stays as it is until what is returned is called: the piece is in the file. */
  keep(piece: number, memory: readonly Buffer[]): () => void;
}

/** Bytes lent out of the cache: not to be changed, and not to be looked at any more once given back. */
export interface LentBlock {
  readonly bytes: Uint8Array;
  giveBack(): void;
}

interface Chunk {
  readonly memory: Buffer;
  /** Blocks lent and not given back. */
  lent: number;
  cached: boolean;
}

/**
 * Neighbours ask for blocks of 16 KiB, one after the other and often for the same: reading each from disk costs more
 * than sending it. What they ask for most is what has just come in, so a new piece stays in the memory it came in;
 * other chunks are read whole. The least recently used are given up first. A chunk never reaches into the next piece,
 * which may not be there yet, and its memory goes back to the pool as soon as no socket is sending from it.
 */
export const createChunkCache = (
  file: Pick<ContentFile, 'read'>,
  geometry: Geometry,
  pool: ChunkPool,
  keptBytes: number,
): ChunkCache => {
  const { chunkBytes } = pool;
  const chunksPerPiece = Math.ceil(geometry.pieceLength / chunkBytes);
  const chunks = new Map<number, Chunk>(); // in order of use
  const coming = new Map<number, Promise<Chunk>>();

  const recycle = (chunk: Chunk): void => {
    if (!chunk.cached && chunk.lent === 0) pool.giveBack(chunk.memory);
  };

  const keep = (index: number, chunk: Chunk): void => {
    chunks.delete(index);
    chunks.set(index, chunk);
    if (chunks.size * chunkBytes <= keptBytes) return;
    const [oldest, given] = chunks.entries().next().value as [number, Chunk];
    chunks.delete(oldest);
    given.cached = false;
    recycle(given);
  };

  const lend = (chunk: Chunk, from: number, size: number): LentBlock => {
    chunk.lent++;
    return {
      bytes: chunk.memory.subarray(from, from + size),
      giveBack: () => {
        chunk.lent--;
        recycle(chunk);
      },
    };
  };

  const load = async (index: number): Promise<Chunk> => {
    const memory = pool.take();
    const piece = Math.floor(index / chunksPerPiece);
    const start = (index % chunksPerPiece) * chunkBytes;
    const size = Math.min(chunkBytes, geometry.pieceSize(piece) - start);
    try {
      await readExactly(file, memory.subarray(0, size), piece * geometry.pieceLength + start);
      const chunk = { memory, lent: 0, cached: true };
      keep(index, chunk);
      return chunk;
    } finally {
      coming.delete(index);
    }
  };

  const loading = (index: number): Promise<Chunk> => {
    const promise = coming.get(index) ?? load(index);
    coming.set(index, promise);
    return promise;
  };

  return {
    read: (piece, offset, size) => {
      const inPiece = Math.floor(offset / chunkBytes);
      const from = offset - inPiece * chunkBytes;
      if (from + size > chunkBytes) return readAcross(file, piece * geometry.pieceLength + offset, size);
      const index = piece * chunksPerPiece + inPiece;
      const chunk = chunks.get(index);
      if (chunk === undefined) return loading(index).then((loaded) => lend(loaded, from, size));
      keep(index, chunk);
      return lend(chunk, from, size);
    },
    keep: (piece, memories) => {
      const kept = memories.map((memory): Chunk => ({ memory, lent: 1, cached: true }));
      for (const [inPiece, chunk] of kept.entries()) keep(piece * chunksPerPiece + inPiece, chunk);
      return () => {
        for (const chunk of kept) {
          chunk.lent--;
          recycle(chunk);
        }
      };
    },
  };
};

/** A block on the border of two chunks: only clients that ask for odd blocks need it. */
const readAcross = async (file: Pick<ContentFile, 'read'>, offset: number, size: number): Promise<LentBlock> => {
  const bytes = Buffer.allocUnsafeSlow(size);
  await readExactly(file, bytes, offset);
  return { bytes, giveBack: () => {} };
};
