import { createHash, randomFillSync } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { type FileHashes, hashPieces } from '#artifact/hash-pieces.ts';
import { encodeMetainfo } from '#protocol/metainfo.ts';

/** The file that travels: random bytes, which nothing compresses. */
export interface Payload {
  readonly path: string;
  readonly bytes: number;
  /** Hex, of the whole. */
  readonly sha256: string;
  /** A .torrent file of it. */
  torrent(pieceLength: number, announce?: string): Promise<Uint8Array>;
}

const CHUNK = 8 * 2 ** 20;

/** Writes a new payload to `path`. */
export const makePayload = async (path: string, bytes: number): Promise<Payload> => {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(CHUNK);
  const file = await open(path, 'w');
  for (let at = 0; at < bytes; at += CHUNK) {
    const chunk = randomFillSync(buffer).subarray(0, Math.min(CHUNK, bytes - at));
    hash.update(chunk);
    await file.write(chunk);
  }
  await file.close();
  const hashes = new Map<number, Promise<FileHashes>>();
  return {
    ...{ path, bytes, sha256: hash.digest('hex') },
    torrent: async (pieceLength, announce) => {
      if (!hashes.has(pieceLength)) hashes.set(pieceLength, hashPieces(path, pieceLength));
      const { pieceHashes: pieces, pieceSha256 } = await hashes.get(pieceLength)!;
      const url = announce === undefined ? {} : { announce };
      const content = { name: basename(path), length: bytes, pieceLength, pieces, pieceSha256, private: true };
      return encodeMetainfo({ ...content, ...url });
    },
  };
};

/** SHA-256 of a file, hex. */
export const hashFile = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk);
  return hash.digest('hex');
};
