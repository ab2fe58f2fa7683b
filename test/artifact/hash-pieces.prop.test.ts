import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashPieces } from '#artifact/hash-pieces.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';

let file: string;
let dir: string;
beforeAll(async () => {
  dir = await makeTempDir('hash');
  file = join(dir, 'content');
});
afterAll(() => removeTempDir(dir));

test('every piece, the last one short, and the whole are hashed as one would by hand', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 64 }), async (bytes, pieceLength) => {
      await writeFile(file, bytes);
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += pieceLength) {
        pieces.push(bytes.slice(at, at + pieceLength));
      }
      const hashesBy = (algorithm: string) =>
        Buffer.concat(pieces.map((piece) => createHash(algorithm).update(piece).digest()));
      const hashes = await hashPieces(file, pieceLength);
      expect(hashes).toMatchObject({ bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
      expect(Buffer.from(hashes.pieceHashes)).toEqual(hashesBy('sha1'));
      expect(Buffer.from(hashes.pieceSha256)).toEqual(hashesBy('sha256'));
    }),
    { numRuns: 200 },
  );
});

test('a file that is not there is an error', async () => {
  await expect(hashPieces(join(dir, 'missing'), 16)).rejects.toThrow('ENOENT');
});
