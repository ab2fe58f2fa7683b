import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeBencode, utf8 } from '#protocol/bencode.ts';
import {
  decodeExtensionHandshake,
  type ExtensionHandshake,
  encodeExtensionHandshake,
} from '#protocol/extension-handshake.ts';
import { ProtocolError } from '#protocol/protocol-error.ts';

const name = fc.string({ unit: 'grapheme-ascii', maxLength: 20 }).filter((text) => text !== '__proto__');
const handshake: fc.Arbitrary<ExtensionHandshake> = fc.record(
  {
    extensions: fc.array(fc.tuple(name, fc.nat(255))).map((entries) => new Map(entries)),
    client: fc.string({ unit: 'grapheme' }).filter((text) => !text.startsWith('\ufeff')),
    requests: fc.integer({ min: 1 }),
    largestBlock: fc.integer({ min: 1 }),
    zone: fc.string({ unit: 'grapheme' }).filter((text) => !text.startsWith('\ufeff')),
  },
  { requiredKeys: ['extensions'] },
);

describe('the extension handshake', () => {
  test('survives the way to bytes and back', () => {
    fc.assert(
      fc.property(handshake, (value) => {
        expect(decodeExtensionHandshake(encodeExtensionHandshake(value))).toEqual(value);
      }),
    );
  });

  test('reads as BEP 10 writes it, and takes only what it knows', () => {
    const theirs =
      'd1:ei0e1:md11:LT_metadatai1e6:ut_pexi2e4:wildi-1e3:yes2:noe1:pi6881e4:reqqi500e1:v13:\u00b5Torrent 1.2e';
    expect(decodeExtensionHandshake(utf8(theirs))).toEqual({
      extensions: new Map([
        ['LT_metadata', 1],
        ['ut_pex', 2],
      ]),
      client: '\u00b5Torrent 1.2',
      requests: 500,
    });
  });

  test.each([
    ['de', 'nothing is told'],
    ['d1:mi1e4:reqqi0e1:vi1ee', 'nothing makes sense'],
    ['d4:reqqi-5ee', 'the number of requests is below 1'],
  ])('%s is empty: %s', (text) => {
    expect(decodeExtensionHandshake(utf8(text))).toEqual({ extensions: new Map() });
  });

  test('garbage gives a handshake or a ProtocolError', () => {
    const letters = fc.constantFrom(...'dlie0123456789:mvreq-').map((letter) => letter.charCodeAt(0));
    fc.assert(
      fc.property(fc.array(fc.oneof(letters, fc.nat(255)), { maxLength: 40 }), (bytes) => {
        try {
          decodeExtensionHandshake(Uint8Array.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 1000 },
    );
    expect(() => decodeExtensionHandshake(encodeBencode([]))).toThrow('not a dictionary');
  });

  test('an id that is no byte is refused', () => {
    expect(() => encodeExtensionHandshake({ extensions: new Map([['x', 256]]) })).toThrow(ProtocolError);
  });
});
