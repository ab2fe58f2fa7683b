import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BencodeValue, decodeBencode, encodeBencode, utf8 } from '#protocol/bencode.ts';
import { choosePieceLength, decodeMetainfo, encodeMetainfo, type Metainfo, trackersOf } from '#protocol/metainfo.ts';
import { ProtocolError } from '#protocol/protocol-error.ts';

const metainfo: fc.Arbitrary<Metainfo> = fc
  .record({
    name: fc.string({ minLength: 1, unit: 'grapheme' }).filter((name) => !/[/\0]/.test(name) && !/^\.\.?$/.test(name)),
    pieceCount: fc.integer({ min: 0, max: 20 }),
    pieceLength: fc.integer({ min: 1, max: 100_000 }),
    last: fc.double({ min: 0, max: 1, noNaN: true }),
    announce: fc.option(fc.webUrl(), { nil: undefined }),
    announceList: fc.option(fc.array(fc.webUrl(), { minLength: 1 }), { nil: undefined }),
    packed: fc.constantFrom('tar' as const, undefined),
    private: fc.boolean(),
    byte: fc.nat(255),
    sha256s: fc.boolean(),
  })
  .map(({ pieceCount, last, byte, announce, announceList, packed, sha256s, ...rest }) => ({
    ...rest,
    length:
      pieceCount === 0 ? 0 : (pieceCount - 1) * rest.pieceLength + Math.max(1, Math.ceil(last * rest.pieceLength)),
    pieces: new Uint8Array(pieceCount * 20).fill(byte),
    ...(announce === undefined ? {} : { announce }),
    ...(announceList === undefined ? {} : { announceList }),
    ...(packed === undefined ? {} : { packed }),
    ...(sha256s ? { pieceSha256: new Uint8Array(pieceCount * 32).fill(byte + 1) } : {}),
  }));

const torrentOf = (info: BencodeValue): Uint8Array => encodeBencode(new Map([['info', info]]));
const good = new Map<string, BencodeValue>([
  ['length', 3],
  ['name', utf8('a')],
  ['piece length', 2],
  ['pieces', new Uint8Array(40)],
]);

describe('metainfo', () => {
  test('survives the way to bytes and back, and back to the same bytes', () => {
    fc.assert(
      fc.property(metainfo, (value) => {
        const bytes = encodeMetainfo(value);
        const { infoBytes, ...decoded } = decodeMetainfo(bytes);
        expect(decoded).toEqual(value);
        expect(encodeMetainfo(decoded)).toEqual(bytes);
        expect(Buffer.from(bytes).includes(Buffer.from(infoBytes))).toBe(true);
      }),
    );
  });

  test('trackers and packing leave the info hash as it is; of several trackers each is tried in its turn', () => {
    fc.assert(
      fc.property(metainfo, ({ announce: _, announceList: __, packed: ___, ...without }) => {
        const urls = ['http://a/announce', 'http://b/announce'];
        const bytes = encodeMetainfo({ ...without, announce: urls[0]!, announceList: urls, packed: 'tar' });
        expect(decodeMetainfo(bytes).infoBytes).toEqual(decodeMetainfo(encodeMetainfo(without)).infoBytes);
        expect(trackersOf(decodeMetainfo(bytes))).toEqual(urls);
        expect(bytes).toEqual(encodeBencode(decodeBencode(bytes)));
        expect(Buffer.from(bytes).includes('13:announce-listll17:http://a/announceel17:http://b/announceee')).toBe(
          true,
        );
      }),
    );
  });

  test.each([
    ['announce-list', utf8('http://a/announce')],
    ['announce-list', [utf8('http://a/announce')]],
    ['announce-list', [[1]]],
    ['packed', utf8('zip')],
    ['packed', 1],
  ])('%s as %j is refused', (key, value) => {
    expect(() =>
      decodeMetainfo(
        encodeBencode(
          new Map<string, BencodeValue>([
            ['info', good],
            [key, value],
          ]),
        ),
      ),
    ).toThrow(ProtocolError);
  });

  test('the SHA-256 of pieces leaves the info hash as it is, and is that of every piece or a ProtocolError', () => {
    fc.assert(
      fc.property(metainfo, fc.integer({ min: 1, max: 40 }), ({ pieceSha256: _, ...without }, more) => {
        const pieceSha256 = new Uint8Array((without.pieces.length / 20) * 32);
        const { infoBytes } = decodeMetainfo(encodeMetainfo({ ...without, pieceSha256 }));
        expect(infoBytes).toEqual(decodeMetainfo(encodeMetainfo(without)).infoBytes);
        const long = new Uint8Array(pieceSha256.length + more);
        expect(() => encodeMetainfo({ ...without, pieceSha256: long })).toThrow(ProtocolError);
      }),
    );
  });

  test('the info bytes are those of the file, with keys that are not ours too', () => {
    const info = new Map<string, BencodeValue>([...good, ['source', utf8('elsewhere')]]);
    expect(decodeMetainfo(torrentOf(info)).infoBytes).toEqual(encodeBencode(info));
  });

  test('whatever is wrong in the info dictionary is a ProtocolError', () => {
    const junk = fc.oneof(fc.integer(), fc.uint8Array(), fc.constant([] as BencodeValue), fc.constant(new Map()));
    fc.assert(
      fc.property(fc.constantFrom(...good.keys(), 'files'), junk, (key, value) => {
        const bytes = torrentOf(new Map([...good, [key, value as BencodeValue]]));
        try {
          expect(decodeBencode(encodeMetainfo(decodeMetainfo(bytes)))).toEqual(decodeBencode(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
    );
  });

  test.each([['a/b'], ['..'], [''], ['a\0']])('the name %j is refused', (name) => {
    expect(() => decodeMetainfo(torrentOf(new Map([...good, ['name', utf8(name)]])))).toThrow(ProtocolError);
  });

  test('a piece length is a power of two from 16 KiB to 4 MiB, small beside what a host passes on, and makes few pieces', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 45 }), fc.integer({ min: 1, max: 10_000 }), (bytes, hosts) => {
        const length = choosePieceLength(bytes, hosts);
        expect(Number.isInteger(Math.log2(length))).toBe(true);
        expect(length).toBeGreaterThanOrEqual(16 * 1024);
        expect(length).toBeLessThanOrEqual(4 * 1024 * 1024);
        if (length < 4 * 1024 * 1024) expect(bytes / length).toBeLessThanOrEqual(4096);
        if (length > 16 * 1024 && bytes / (length / 2) <= 4096)
          expect(length * Math.min(hosts, 16) * 128).toBeLessThanOrEqual(bytes);
      }),
    );
  });
});
