import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

export interface FileHashes {
  readonly bytes: number;
  readonly sha256: string;
  /** SHA-1 of every piece, concatenated. */
  readonly pieceHashes: Uint8Array;
  /** SHA-256 of every piece, concatenated. */
  readonly pieceSha256: Uint8Array;
}

/** Hashes a file once through: as a whole, and in pieces. */
export const hashPieces = async (path: string, pieceLength: number, signal?: AbortSignal): Promise<FileHashes> => {
  const whole = createHash('sha256');
  const sha1s: Buffer[] = [];
  const sha256s: Buffer[] = [];
  const piece = Buffer.allocUnsafe(pieceLength);
  let bytes = 0;
  const file = await open(path, 'r');
  try {
    for (;;) {
      signal?.throwIfAborted();
      const filled = await fill(file, piece, bytes);
      if (filled === 0) break;
      const part = piece.subarray(0, filled);
      whole.update(part);
      sha1s.push(createHash('sha1').update(part).digest());
      sha256s.push(createHash('sha256').update(part).digest());
      bytes += filled;
    }
  } finally {
    await file.close();
  }
  const [pieceHashes, pieceSha256] = [Buffer.concat(sha1s), Buffer.concat(sha256s)];
  return { bytes, sha256: whole.digest('hex'), pieceHashes, pieceSha256 };
};

const fill = async (file: Awaited<ReturnType<typeof open>>, buffer: Buffer, position: number): Promise<number> => {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
};
