import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeAnnounceResponse, encodeAnnounceQuery } from '#protocol/announce.ts';
import { type BencodeValue, encodeBencode, utf8 } from '#protocol/bencode.ts';
import { ProtocolError } from '#protocol/protocol-error.ts';

const id = fc.uint8Array({ minLength: 20, maxLength: 20 });
const size = fc.nat(2 ** 40);
const port = fc.integer({ min: 1, max: 65535 });
const peer4 = fc.record({ host: fc.ipV4(), port });
const peer6 = fc.record({ words: fc.array(fc.nat(65535), { minLength: 8, maxLength: 8 }), port });

const bigEndian = (value: number): number[] => [value >> 8, value & 255];
const response = (entries: Record<string, BencodeValue>): Uint8Array => encodeBencode(new Map(Object.entries(entries)));

describe('announce query', () => {
  test('a lenient reader finds every field again', () => {
    const query = fc.record(
      {
        ...{ infoHash: id, peerId: id, port, uploaded: size, downloaded: size, left: size },
        event: fc.constantFrom('started' as const, 'completed' as const, 'stopped' as const),
        ip: fc.ipV6(),
        key: fc.string({ unit: 'grapheme' }),
        numwant: fc.nat(200),
      },
      { requiredKeys: ['infoHash', 'peerId', 'port', 'uploaded', 'downloaded', 'left'] },
    );
    fc.assert(
      fc.property(query, (value) => {
        const fields = new Map(
          encodeAnnounceQuery(value)
            .split('&')
            .map((pair) => pair.split('=') as [string, string]),
        );
        expect(unescape(fields.get('info_hash') as string)).toBe(Buffer.from(value.infoHash).toString('latin1'));
        expect(unescape(fields.get('peer_id') as string)).toBe(Buffer.from(value.peerId).toString('latin1'));
        for (const name of ['port', 'uploaded', 'downloaded', 'left', 'event', 'ip', 'key', 'numwant'] as const) {
          const wanted = value[name];
          const found = fields.get(name);
          expect(found === undefined ? undefined : decodeURIComponent(found)).toBe(
            wanted === undefined ? undefined : `${wanted}`,
          );
        }
        expect(fields.get('compact')).toBe('1');
      }),
    );
  });
});

describe('announce response', () => {
  test('compact peers of both kinds are read', () => {
    fc.assert(
      fc.property(fc.array(peer4), fc.array(peer6), fc.nat(3600), (four, six, interval) => {
        const peers = Uint8Array.from(
          four.flatMap((peer) => [...peer.host.split('.').map(Number), ...bigEndian(peer.port)]),
        );
        const peers6 = Uint8Array.from(
          six.flatMap((peer) => [...peer.words.flatMap(bigEndian), ...bigEndian(peer.port)]),
        );
        const wanted = six.map((peer) => ({
          host: peer.words.map((word) => word.toString(16)).join(':'),
          port: peer.port,
        }));
        expect(decodeAnnounceResponse(response({ interval, peers, peers6 }))).toEqual({
          ...{ kind: 'peers', interval },
          peers: [...four, ...wanted],
        });
      }),
    );
  });

  test('peers as dictionaries are read', () => {
    fc.assert(
      fc.property(fc.array(peer4), (list) => {
        const peers = list.map(
          (peer) =>
            new Map<string, BencodeValue>([
              ['ip', utf8(peer.host)],
              ['port', peer.port],
            ]),
        );
        expect(decodeAnnounceResponse(response({ interval: 5, peers }))).toEqual({
          kind: 'peers',
          interval: 5,
          peers: list,
        });
      }),
    );
  });

  test('a failure is a value', () => {
    expect(decodeAnnounceResponse(response({ 'failure reason': utf8('go away') }))).toEqual({
      kind: 'failure',
      reason: 'go away',
    });
  });

  test('anything else is a ProtocolError', () => {
    const junk = fc.oneof(
      fc.integer(),
      fc.uint8Array({ maxLength: 9 }),
      fc.constant([1] as BencodeValue),
      fc.constant(new Map()),
    );
    fc.assert(
      fc.property(fc.constantFrom('peers', 'peers6', 'interval', 'failure reason'), junk, (key, value) => {
        try {
          decodeAnnounceResponse(response({ interval: 1, [key]: value as BencodeValue }));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(() => decodeAnnounceResponse(bytes)).toThrow(ProtocolError);
      }),
    );
  });
});
