import { createHash } from 'node:crypto';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ContentFile, openContentFile } from '#peer/content-file.ts';
import { createPrefixHash } from '#peer/prefix-hash.ts';
import { createGeometry } from '#torrent/geometry.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';

let dir: string;
beforeAll(async () => {
  dir = await makeTempDir('hash');
});
afterAll(() => removeTempDir(dir));

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A file of `length` bytes, and what cuts it into pieces. */
const withFile = async (length: number, pieceLength: number, use: (it: TestFile) => Promise<void>): Promise<void> => {
  const content = Buffer.from(Array.from({ length }, (_, at) => (at * 31 + (at >> 8)) & 255));
  const path = join(dir, 'content');
  await writeFile(path, content);
  const file = await openContentFile(path, length, true);
  const pieceOf = (piece: number) => content.subarray(piece * pieceLength, (piece + 1) * pieceLength);
  await use({ path, content, file, pieceOf }).finally(() => file.close());
};

interface TestFile {
  readonly path: string;
  readonly content: Buffer;
  readonly file: ContentFile;
  pieceOf(piece: number): Buffer;
}

test('pieces in any order, and any left to the end, give the hash of the whole', async () => {
  const length = fc.integer({ min: 0, max: 60_000 });
  await fc.assert(
    fc.asyncProperty(
      length,
      fc.integer({ min: 1000, max: 20_000 }),
      fc.infiniteStream(fc.nat()),
      async (size, one, chance) => {
        await withFile(size, one, async ({ content, file, pieceOf }) => {
          const geometry = createGeometry(size, one);
          const hash = createPrefixHash(file, geometry);
          const next = () => chance.next().value as number;
          const order = Array.from({ length: geometry.pieces }, (_, piece) => ({ piece, at: next() }));
          for (const { piece } of order.sort((left, right) => left.at - right.at).slice(next() % 3)) {
            const lent = Buffer.from(pieceOf(piece));
            hash.add(piece, [lent.subarray(0, 700), lent.subarray(700)]);
            lent.fill(0);
            if (next() % 2 === 0) await new Promise(setImmediate);
          }
          expect(await hash.digest()).toBe(sha256(content));
          expect(hash.hashed).toBe(size);
        });
      },
    ),
    { numRuns: 60 },
  );
});

test('a piece that is next in order is hashed at once, from memory', async () => {
  await withFile(25_000, 10_000, async ({ path, content, file, pieceOf }) => {
    const hash = createPrefixHash(file, createGeometry(25_000, 10_000));
    await truncate(path, 0); // nothing can be read back
    for (const [piece, hashed] of [10_000, 20_000, 25_000].entries()) {
      hash.add(piece, [pieceOf(piece)]);
      expect(hash.hashed).toBe(hashed);
    }
    expect(await hash.digest()).toBe(sha256(content));
  });
});

test('a file that somebody cut is told at the end, not in between', async () => {
  await withFile(30_000, 10_000, async ({ path, file, pieceOf }) => {
    const hash = createPrefixHash(file, createGeometry(30_000, 10_000));
    await truncate(path, 15_000);
    for (const piece of [1, 2, 0]) hash.add(piece, [pieceOf(piece)]);
    await expect(hash.digest()).rejects.toThrow('the content file ends at 15000');
    expect(hash.hashed).toBe(10_000);
  });
});
