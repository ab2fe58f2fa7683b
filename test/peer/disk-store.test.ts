import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type DiskStore, openStore } from '#peer/disk-store.ts';
import { readTorrent } from '#peer/torrent-identity.ts';
import { seededRandom } from '../sim/random.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';
import { makeTorrent } from '../support/torrent.ts';

let dir: string;
const stores: DiskStore[] = [];

beforeEach(async () => {
  dir = await makeTempDir('store');
});
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
  await removeTempDir(dir);
});

const open = async (length: number, pieceLength: number) => {
  const torrent = makeTorrent(length, pieceLength);
  const { geometry, proof } = readTorrent(torrent.metainfo);
  const path = join(dir, 'content');
  const store = await openStore({ path, geometry, proof, complete: false, hashesWhole: true });
  stores.push(store);
  const pieceOf = (piece: number): Buffer =>
    torrent.content.subarray(piece * pieceLength, piece * pieceLength + geometry.pieceSize(piece));
  return { ...{ torrent, geometry, store, pieceOf } };
};

/** Block by block, the last ones first. */
const putPiece = (store: DiskStore, piece: number, bytes: Uint8Array): void => {
  for (let at = Math.floor((bytes.length - 1) / 16_384) * 16_384; at >= 0; at -= 16_384) {
    store.put(piece, at, bytes.subarray(at, at + 16_384));
  }
};

describe('the store', () => {
  test.each([
    [40_000, 16_384],
    [1_000_000, 32_768],
    [3_000_000, 1_048_576],
    [1_000_000, 300_000],
  ])('serves what was written, whatever was read before (%i bytes in pieces of %i)', async (length, pieceLength) => {
    const { store, geometry, pieceOf } = await open(length, pieceLength);
    const random = seededRandom(length);
    const order = Array.from({ length: geometry.pieces }, (_, piece) => piece).sort(() => random() - 0.5);
    for (const [at, piece] of order.entries()) {
      putPiece(store, piece, pieceOf(piece));
      expect(await store.commit(piece)).toBe(true);
      for (const present of order.slice(Math.max(0, at - 3), at + 1)) {
        const offset = Math.floor(random() * geometry.pieceSize(present));
        const size = Math.min(16_384, geometry.pieceSize(present) - offset);
        const block = await store.read(present, offset, size);
        expect(
          pieceOf(present)
            .subarray(offset, offset + size)
            .equals(block.bytes),
        ).toBe(true);
        block.giveBack();
      }
    }
  });

  test('never reuses memory that is lent', async () => {
    const { store, geometry, pieceOf } = await open(24 * 1024 * 1024, 256 * 1024);
    for (let piece = 0; piece < geometry.pieces; piece++) {
      putPiece(store, piece, pieceOf(piece));
      await store.commit(piece);
    }
    const first = await store.read(0, 0, 16_384);
    for (let piece = 1; piece < geometry.pieces; piece++) (await store.read(piece, 0, 16_384)).giveBack();
    expect(pieceOf(0).subarray(0, 16_384).equals(first.bytes)).toBe(true);
    first.giveBack();
  });

  test('writes nothing of a piece whose hash is wrong, and takes it right later', async () => {
    const { store, pieceOf } = await open(40_000, 16_384);
    putPiece(store, 1, Buffer.alloc(16_384, 1));
    expect(await store.commit(1)).toBe(false);
    expect((await stat(join(dir, 'content'))).size).toBe(0);
    putPiece(store, 1, pieceOf(1));
    expect(await store.commit(1)).toBe(true);
  });

  test('knows the SHA-256 of the whole', async () => {
    const { store, geometry, torrent, pieceOf } = await open(3_000_000, 262_144);
    for (let piece = 0; piece < geometry.pieces; piece++) {
      putPiece(store, piece, pieceOf(piece));
      await store.commit(piece);
    }
    expect(await store.hashAll()).toBe(torrent.sha256);
  });
});
