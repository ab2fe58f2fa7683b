import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeHandshake, encodeHandshake } from '#protocol/handshake.ts';
import { encodeMessage, encodePieceHead, type Message } from '#protocol/message.ts';
import { createMessageDecoder } from '#protocol/message-decoder.ts';
import { ProtocolError } from '#protocol/protocol-error.ts';

const number = fc.nat(0xffffffff);
const message: fc.Arbitrary<Message> = fc.oneof(
  fc
    .constantFrom('keep-alive', 'choke', 'unchoke', 'interested', 'not-interested', 'have-all', 'have-none')
    .map((type) => ({
      type: type as 'choke',
    })),
  fc.record({ type: fc.constantFrom('have' as const, 'suggest' as const, 'allowed-fast' as const), piece: number }),
  fc.record({
    ...{ piece: number, offset: number, length: number },
    type: fc.constantFrom('request' as const, 'cancel' as const, 'reject' as const),
  }),
  fc.record({ type: fc.constant('bitfield' as const), bits: fc.uint8Array({ maxLength: 300 }) }),
  fc.record({ type: fc.constant('extended' as const), id: fc.nat(255), payload: fc.uint8Array({ maxLength: 300 }) }),
  fc.record({
    type: fc.constant('piece' as const),
    piece: number,
    offset: number,
    block: fc.uint8Array({ maxLength: 300 }),
  }),
);

const MAX = 1000;

/** All messages of the chunks, with copies of their bytes. */
const decodeAll = (chunks: readonly Uint8Array[]): Message[] => {
  const seen: Message[] = [];
  const push = createMessageDecoder(MAX, (one) => {
    if (one.type === 'piece') seen.push({ ...one, block: one.block.slice() });
    else if (one.type === 'extended') seen.push({ ...one, payload: one.payload.slice() });
    else if (one.type === 'bitfield') seen.push({ ...one, bits: one.bits.slice() });
    else seen.push(one);
  });
  // Each chunk is wiped after the call: nothing may be kept of it.
  for (const chunk of chunks) {
    const lent = chunk.slice();
    push(lent);
    lent.fill(0xee);
  }
  return seen;
};

/** Cuts bytes at the given places. */
const cut = (bytes: Uint8Array, places: readonly number[]): Uint8Array[] => {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
};

describe('wire messages', () => {
  test('come out as they went in, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 20 }), (messages, places) => {
        const stream = new Uint8Array(Buffer.concat(messages.map(encodeMessage)));
        expect(decodeAll(cut(stream, places))).toEqual(messages);
      }),
    );
  });

  test('come out byte by byte too', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 4 }), (messages) => {
        const stream = new Uint8Array(Buffer.concat(messages.map(encodeMessage)));
        expect(decodeAll(Array.from(stream, (byte) => Uint8Array.of(byte)))).toEqual(messages);
      }),
      { numRuns: 30 },
    );
  });

  test('garbage gives messages or a ProtocolError, and the same whatever the chunks', () => {
    const outcome = (chunks: readonly Uint8Array[]): unknown => {
      try {
        return decodeAll(chunks);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
        return 'error';
      }
    };
    const noise = fc.array(fc.oneof(fc.constantFrom(0, 0, 0, 1, 2, 4, 5, 9, 13, 20), fc.nat(255)), { maxLength: 60 });
    fc.assert(
      fc.property(noise, fc.array(fc.nat(), { maxLength: 8 }), (bytes, places) => {
        const stream = Uint8Array.from(bytes);
        expect(outcome(cut(stream, places))).toEqual(outcome([stream]));
      }),
      { numRuns: 1000 },
    );
  });

  test('ids that nobody knows are passed over', () => {
    const unknown = Uint8Array.of(0, 0, 0, 3, 21, 1, 2);
    expect(decodeAll([unknown, encodeMessage({ type: 'unchoke' })])).toEqual([{ type: 'unchoke' }]);
  });

  test('a message beyond the limit is refused by its length alone', () => {
    expect(() => decodeAll([Uint8Array.of(0, 0, 3, 0xe9)])).toThrow(ProtocolError);
    expect(() => decodeAll([Uint8Array.of(0, 0, 3), Uint8Array.of(0xe8, 7)])).not.toThrow();
  });

  test('the head of a piece and its block are the piece message', () => {
    const block = Uint8Array.of(1, 2, 3);
    const whole = encodeMessage({ type: 'piece', piece: 70_000, offset: 16_384, block });
    expect(Buffer.concat([encodePieceHead(70_000, 16_384, 3), block])).toEqual(Buffer.from(whole));
  });
});

describe('handshake', () => {
  const id = fc.uint8Array({ minLength: 20, maxLength: 20 });
  test('survives the way to bytes and back', () => {
    fc.assert(
      fc.property(fc.record({ infoHash: id, peerId: id, fast: fc.boolean(), extended: fc.boolean() }), (handshake) => {
        expect(decodeHandshake(encodeHandshake(handshake))).toEqual(handshake);
      }),
    );
  });

  test('of another protocol or length is a ProtocolError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(() => decodeHandshake(bytes)).toThrow(ProtocolError);
      }),
    );
    expect(() => decodeHandshake(new Uint8Array(68))).toThrow('another protocol');
  });
});
