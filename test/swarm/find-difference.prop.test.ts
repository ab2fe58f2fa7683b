import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeMetainfo } from '#protocol/metainfo.ts';
import { findDifference } from '#swarm/find-difference.ts';
import { makeTorrent } from '../support/torrent.ts';

const PIECE = 1024;
const hashesOf = (content: Buffer) => {
  const all = (algorithm: string) =>
    Buffer.concat(
      Array.from({ length: Math.ceil(content.length / PIECE) }, (_, piece) =>
        createHash(algorithm)
          .update(content.subarray(piece * PIECE, (piece + 1) * PIECE))
          .digest(),
      ),
    );
  return { bytes: content.length, sha256: '', pieceHashes: all('sha1'), pieceSha256: all('sha256') };
};

const cases = fc.record({
  length: fc.integer({ min: 1, max: 20 * PIECE }),
  sha256Pieces: fc.boolean(),
  places: fc.uniqueArray(fc.double({ min: 0, max: 0.999, noNaN: true }), { maxLength: 4 }),
});

test('the content itself has no difference; changed bytes are told by the first piece and the number of others', () => {
  fc.assert(
    fc.property(cases, ({ length, sha256Pieces, places }) => {
      const torrent = makeTorrent(length, PIECE, undefined, { sha256Pieces });
      const metainfo = decodeMetainfo(torrent.metainfo);
      expect(findDifference(metainfo, hashesOf(torrent.content))).toBeUndefined();
      const changed = Buffer.from(torrent.content);
      const offsets = [...new Set(places.map((place) => Math.floor(place * length)))];
      for (const offset of offsets) changed[offset]! ^= 1;
      const pieces = [...new Set(offsets.map((offset) => Math.floor(offset / PIECE)))].sort((a, b) => a - b);
      const words = findDifference(metainfo, hashesOf(changed));
      const start = `piece ${pieces[0]! + 1} of ${Math.ceil(length / PIECE)} (from byte ${pieces[0]! * PIECE}) is not right`;
      const told = pieces.length > 1 ? `${start}, and ${pieces.length - 1} more` : start;
      expect(words).toBe(pieces.length === 0 ? undefined : told);
    }),
  );
});

test('another length is told as such', () => {
  const torrent = makeTorrent(3000, PIECE);
  const words = findDifference(decodeMetainfo(torrent.metainfo), hashesOf(torrent.content.subarray(1)));
  expect(words).toBe('it has 2999 bytes, the torrent 3000');
});
