/** Memory in portions of one size. */
export interface ChunkPool {
  readonly chunkBytes: number;
  take(): Buffer;
  /** Nobody looks at it any more. */
  giveBack(memory: Buffer): void;
}

/**
 * A pool that holds nothing yet, and later all that was ever in use at the same time: left to the garbage collector,
 * memory would pile up until that takes notice. Who takes from it bounds how much that is.
 */
export const createChunkPool = (chunkBytes: number): ChunkPool => {
  const spare: Buffer[] = [];
  return {
    chunkBytes,
    take: () => spare.pop() ?? Buffer.allocUnsafeSlow(chunkBytes),
    giveBack: (memory) => void spare.push(memory),
  };
};
