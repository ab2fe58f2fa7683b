import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BencodeValue, decodeBencode, encodeBencode, MAX_BENCODE_DEPTH, utf8 } from '#protocol/bencode.ts';
import { ProtocolError } from '#protocol/protocol-error.ts';

const key = fc.string({ maxLength: 8 }).filter((text) => /^[\x20-\x7e]*$/.test(text) && text !== '__proto__');
const { value } = fc.letrec<{ value: BencodeValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.maxSafeInteger(),
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 5 }).map((entries) => new Map(entries)),
  ),
}));

/** The obvious encoder: text in which each char is a byte. */
const slowEncode = (item: BencodeValue): string => {
  if (typeof item === 'number') return `i${item === 0 ? 0 : item}e`;
  if (item instanceof Uint8Array) return `${item.length}:${String.fromCharCode(...item)}`;
  if (item instanceof Map) {
    const keys = [...item.keys()].sort();
    return `d${keys.map((name) => `${name.length}:${name}${slowEncode(item.get(name) as BencodeValue)}`).join('')}e`;
  }
  return `l${(item as readonly BencodeValue[]).map(slowEncode).join('')}e`;
};

const normal = (item: BencodeValue): unknown => {
  if (item instanceof Uint8Array) return [...item];
  if (item instanceof Map) return new Map([...item].map(([name, inner]) => [name, normal(inner)]));
  if (Array.isArray(item)) return item.map(normal);
  return item === 0 ? 0 : item;
};

describe('bencode', () => {
  test('a value survives the way to bytes and back', () => {
    fc.assert(
      fc.property(value, (item) => {
        expect(normal(decodeBencode(encodeBencode(item)))).toEqual(normal(item));
      }),
    );
  });

  test('the bytes are those of the obvious encoder', () => {
    fc.assert(
      fc.property(value, (item) => {
        expect(Buffer.from(encodeBencode(item)).toString('latin1')).toBe(slowEncode(item));
      }),
    );
  });

  test('bytes either encode back to themselves or are a ProtocolError', () => {
    const token = fc.constantFrom('d', 'l', 'e', 'i', '0', '1', '-', ':', '1:a', '1:b', 'i0e', 'i-1e', 'de', '.', '+');
    fc.assert(
      fc.property(fc.array(token, { maxLength: 14 }), (tokens) => {
        const bytes = utf8(tokens.join(''));
        try {
          expect(encodeBencode(decodeBencode(bytes))).toEqual(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('a canonical encoding with one byte changed, cut or added never decodes to other bytes', () => {
    fc.assert(
      fc.property(value, fc.nat(), fc.nat(255), fc.constantFrom('set', 'cut', 'add'), (item, at, byte, how) => {
        const bytes = [...encodeBencode(item)];
        if (how === 'set') bytes[at % bytes.length] = byte;
        else bytes.splice(at % bytes.length, how === 'cut' ? 1 : 0, ...(how === 'add' ? [byte] : []));
        const changed = Uint8Array.from(bytes);
        try {
          expect(encodeBencode(decodeBencode(changed))).toEqual(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ...[
      'i01e',
      'i-0e',
      'i-e',
      'ie',
      'i+1e',
      'i1.5e',
      'i9007199254740992e',
      '5:abc',
      '01:a',
      'd1:bi1e1:ai1ee',
      'd1:ai1e1:ai1ee',
    ],
    ...[
      'i1ei2e',
      '',
      'e',
      'd',
      'l',
      'di1ei1ee',
      'd9:__proto__i1ee',
      'd1:\u00e9i1ee',
      'i1',
      '-1:a',
      'd1:ae',
      '99999999999999999999:a',
    ],
  ])('%j is refused', (text) => {
    expect(() => decodeBencode(Buffer.from(text, 'latin1'))).toThrow(ProtocolError);
  });

  test('nesting is bounded, also where it would exhaust the stack', () => {
    const nested = (depth: number) => utf8('l'.repeat(depth) + 'e'.repeat(depth));
    expect(decodeBencode(nested(MAX_BENCODE_DEPTH))).toBeInstanceOf(Array);
    expect(() => decodeBencode(nested(MAX_BENCODE_DEPTH + 1))).toThrow(ProtocolError);
    expect(() => decodeBencode(nested(200_000))).toThrow(ProtocolError);
    expect(() => decodeBencode(utf8('l'.repeat(200_000)))).toThrow(ProtocolError);
  });

  test('input beyond the size limit is refused unread', () => {
    expect(() => decodeBencode(utf8('10:0123456789'), 12)).toThrow('at most 12');
    expect(decodeBencode(utf8('10:0123456789'), 13)).toBeInstanceOf(Uint8Array);
  });

  test.each([[1.5], [2 ** 53], [Number.NaN], [null], ['text'], [true], [new Map([['ä', 1]])]])(
    '%s cannot be encoded',
    (bad) => {
      expect(() => encodeBencode(bad as BencodeValue)).toThrow(ProtocolError);
    },
  );
});
