/** Memory in portions of one size. */
export interface ChunkPool {
  readonly chunkBytes: number;
  take(): Buffer;
  /** Nobody looks at it any more. */
  giveBack(memory: Buffer): void;
}

/** Memory that lies ready for the next user, at most: left to the garbage collector, what is given back would pile up. */
const SPARE_BYTES = 8 * 1024 * 1024;

/** A pool that holds nothing yet. */
export const createChunkPool = (chunkBytes: number): ChunkPool => {
  const spare: Buffer[] = [];
  return {
    chunkBytes,
    take: () => spare.pop() ?? Buffer.allocUnsafeSlow(chunkBytes),
    giveBack: (memory) => {
      if (spare.length * chunkBytes < SPARE_BYTES) spare.push(memory);
    },
  };
};
