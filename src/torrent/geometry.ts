/** Bytes of a request that every client takes (BEP 3 in practice). Peers that say so take larger ones. */
export const BLOCK_BYTES = 16 * 1024;

/** How the content is cut into pieces and blocks. All sizes are bytes. */
export interface Geometry {
  readonly length: number;
  readonly pieceLength: number;
  /** Bytes asked for in one request. */
  readonly blockBytes: number;
  /** Number of pieces. */
  readonly pieces: number;
  /** Most blocks that a piece has. */
  readonly blocksPerPiece: number;
  /** Size of a piece; only the last one may be short. */
  pieceSize(piece: number): number;
  blockCount(piece: number): number;
  blockSize(piece: number, block: number): number;
}

/** Cuts `length` bytes into pieces of `pieceLength`. */
export const createGeometry = (length: number, pieceLength: number, blockBytes = BLOCK_BYTES): Geometry => {
  const pieces = Math.ceil(length / pieceLength);
  const pieceSize = (piece: number): number => Math.min(pieceLength, length - piece * pieceLength);
  return {
    length,
    pieceLength,
    blockBytes,
    pieces,
    blocksPerPiece: Math.ceil(pieceLength / blockBytes),
    pieceSize,
    blockCount: (piece) => Math.ceil(pieceSize(piece) / blockBytes),
    blockSize: (piece, block) => Math.min(blockBytes, pieceSize(piece) - block * blockBytes),
  };
};
