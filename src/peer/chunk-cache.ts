import type { ContentFile } from './content-file.ts';

/** Reads blocks of the content through a small cache. */
export interface ChunkCache {
  /** The bytes at `offset`, at once where they are in memory. They are a view: not to be changed. */
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array>;
}

/**
 * Neighbours ask for blocks of 16 KiB, one after the other and often for the same: reading each from disk costs
 * more than sending it. Chunks of CHUNK_BYTES are read whole and kept, the least recently used given up first.
 */
const CHUNK_BYTES = 512 * 1024;
const KEPT_CHUNKS = 48;

/** A cache over the first `length` bytes of a file. */
export const createChunkCache = (file: ContentFile, length: number): ChunkCache => {
  const chunks = new Map<number, Uint8Array>(); // in order of use
  const coming = new Map<number, Promise<Uint8Array>>();

  const keep = (chunk: number, bytes: Uint8Array): void => {
    chunks.delete(chunk);
    chunks.set(chunk, bytes);
    if (chunks.size > KEPT_CHUNKS) chunks.delete(chunks.keys().next().value as number);
  };

  const load = async (chunk: number): Promise<Uint8Array> => {
    try {
      const start = chunk * CHUNK_BYTES;
      const bytes = await readExactly(file, start, Math.min(CHUNK_BYTES, length - start));
      keep(chunk, bytes);
      return bytes;
    } finally {
      coming.delete(chunk);
    }
  };

  const loading = (chunk: number): Promise<Uint8Array> => {
    const promise = coming.get(chunk) ?? load(chunk);
    coming.set(chunk, promise);
    return promise;
  };

  return {
    read: (offset, size) => {
      const chunk = Math.floor(offset / CHUNK_BYTES);
      const from = offset - chunk * CHUNK_BYTES;
      if (from + size > CHUNK_BYTES) return readExactly(file, offset, size);
      const bytes = chunks.get(chunk);
      if (bytes === undefined) return loading(chunk).then((loaded) => loaded.subarray(from, from + size));
      keep(chunk, bytes);
      return bytes.subarray(from, from + size);
    },
  };
};

const readExactly = async (file: ContentFile, offset: number, size: number): Promise<Uint8Array> => {
  const bytes = Buffer.allocUnsafeSlow(size);
  const read = await file.read(bytes, offset);
  return read === size ? bytes : bytes.subarray(0, read);
};
