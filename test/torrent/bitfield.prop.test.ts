import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtocolError } from '#protocol/protocol-error.ts';
import { createBitfield, parseBitfield } from '#torrent/bitfield.ts';

describe('a bitfield', () => {
  test('is a set of piece numbers, the first piece in the highest bit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.array(fc.nat(69)), (size, pieces) => {
        const bits = createBitfield(size);
        const oracle = new Set<number>();
        for (const piece of pieces.filter((one) => one < size)) {
          expect(bits.add(piece)).toBe(!oracle.has(piece));
          oracle.add(piece);
        }
        const text = Array.from(bits.bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
        expect(text).toBe(
          Array.from({ length: bits.bytes.length * 8 }, (_, piece) => (oracle.has(piece) ? '1' : '0')).join(''),
        );
        expect(bits.count).toBe(oracle.size);
        expect(parseBitfield(bits.bytes, size).count).toBe(oracle.size);
      }),
    );
  });

  test('of any bytes is either refused or the same bytes again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4 }), fc.nat(33), (bytes, size) => {
        try {
          expect(parseBitfield(bytes, size).bytes).toEqual(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
    );
  });

  test('keeps nothing of the memory it was read from, also where that is a Buffer', () => {
    const wire = Buffer.from([0b1000_0000]);
    const bits = parseBitfield(wire, 8);
    bits.add(7);
    expect(wire[0]).toBe(0b1000_0000);
    wire.fill(0);
    expect(bits.has(0)).toBe(true);
  });

  test('can be full', () => {
    expect(createBitfield(11, true).bytes).toEqual(Uint8Array.of(0xff, 0b1110_0000));
    expect(createBitfield(11, true).count).toBe(11);
  });
});
