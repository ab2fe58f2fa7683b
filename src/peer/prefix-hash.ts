import { createHash } from 'node:crypto';
import type { Geometry } from '#torrent/geometry.ts';
import { type ContentFile, readExactly } from './content-file.ts';

/** SHA-256 of the whole content, taken while its pieces come in. */
export interface PrefixHash {
  /** Bytes from the start of the content that are in the hash. */
  readonly hashed: number;
  /** A piece is in the file now; `parts` are its content and looked at only during the call. */
  add(piece: number, parts: readonly Uint8Array[]): void;
  /** Hashes what is left, every piece being in the file; hex. Called once. Rejects with the system's errors. */
  digest(): Promise<string>;
}

/**
 * A hash takes its bytes in order, pieces come in any: one that is next in order goes in from memory, one that came
 * early is read back from the file as soon as the gap before it is closed. Little is then left to do at the end, when
 * all wait for it. One read at a time, of READ_BYTES at most, so that neighbours are served in between.
 */
const READ_BYTES = 1024 * 1024;

/** The hash of an empty file of this geometry. */
export const createPrefixHash = (file: Pick<ContentFile, 'read'>, geometry: Geometry): PrefixHash => {
  const hash = createHash('sha256');
  const early = new Set<number>();
  let gap = 0; // the first piece that is not in the file
  let hashed = 0;
  let catchingUp: Promise<void> | undefined; // rejected for good once a read has failed

  const startOf = (piece: number): number => Math.min(geometry.length, piece * geometry.pieceLength);

  const catchUp = async (): Promise<void> => {
    const memory = Buffer.allocUnsafeSlow(READ_BYTES);
    while (hashed < startOf(gap)) {
      const bytes = memory.subarray(0, Math.min(READ_BYTES, startOf(gap) - hashed));
      await readExactly(file, bytes, hashed);
      hash.update(bytes);
      hashed += bytes.length;
    }
    catchingUp = undefined;
  };

  const begin = (): void => {
    if (catchingUp !== undefined || hashed === startOf(gap)) return;
    catchingUp = catchUp();
    catchingUp.catch(() => {}); // told by `digest`
  };

  return {
    get hashed() {
      return hashed;
    },
    add: (piece, parts) => {
      early.add(piece);
      if (piece === gap && hashed === startOf(gap)) {
        for (const bytes of parts) hash.update(bytes);
        hashed = startOf(piece + 1);
      }
      while (early.delete(gap)) gap++;
      begin();
    },
    digest: async () => {
      gap = geometry.pieces;
      begin();
      await catchingUp;
      return hash.digest('hex');
    },
  };
};
