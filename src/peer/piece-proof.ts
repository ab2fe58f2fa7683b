import { createHash } from 'node:crypto';

/** What a right piece is known by. */
export interface PieceProof {
  readonly algorithm: 'sha1' | 'sha256';
  /** The digest of every piece, one after the other. */
  readonly digests: Uint8Array;
}

/** Whether these bytes, in parts, are that piece. */
export const isRight = ({ algorithm, digests }: PieceProof, piece: number, parts: readonly Uint8Array[]): boolean => {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  const actual = hash.digest();
  return actual.equals(digests.subarray(piece * actual.length, (piece + 1) * actual.length));
};
