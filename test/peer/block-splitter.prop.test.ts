import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createBlockSplitter } from '#peer/block-splitter.ts';
import type { BlockMessage, Message, PieceMessage } from '#protocol/message.ts';
import { createGeometry } from '#torrent/geometry.ts';

const KIB = 1024;
const SMALL = 16 * KIB;

/** Pieces of 200,000 bytes in blocks of 64 KiB; the last piece has 50,000. */
const geometry = createGeometry(650_000, 200_000, 64 * KIB);
const content = Uint8Array.from({ length: 650_000 }, (_, at) => (at * 7 + (at >> 9)) & 255);

const blocks = Array.from({ length: geometry.pieces }, (_, piece) =>
  Array.from({ length: geometry.blockCount(piece) }, (_, block) => ({
    ...{ piece, offset: block * geometry.blockBytes, length: geometry.blockSize(piece, block) },
  })),
).flat();

const answer = ({ piece, offset, length }: BlockMessage): PieceMessage => {
  const from = piece * geometry.pieceLength + offset;
  return { type: 'piece', piece, offset, block: content.subarray(from, from + length) };
};

const requestsIn = (messages: readonly Message[]) =>
  messages.filter((message): message is BlockMessage => message.type === 'request');

describe('a neighbour that serves 16 KiB at a time', () => {
  test('is asked for no more, and each block arrives whole and once, in whatever order its parts do', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(blocks), fc.infiniteStream(fc.nat()), (asked, chance) => {
        const splitter = createBlockSplitter(geometry);
        const requests = asked.flatMap((block) => requestsIn(splitter.outgoing({ type: 'request', ...block })));
        for (const { length } of requests) expect(length).toBeLessThanOrEqual(SMALL);
        const arrived: Message[] = [];
        while (requests.length > 0) {
          const [next] = requests.splice((chance.next().value as number) % requests.length, 1);
          const heard = splitter.incoming(answer(next!));
          if (heard !== undefined) arrived.push(heard);
        }
        const inOrder = (messages: readonly Message[]) => messages.map((message) => JSON.stringify(message)).sort();
        expect(inOrder(arrived)).toEqual(inOrder(asked.map((block) => answer({ type: 'request', ...block }))));
      }),
      { numRuns: 15 },
    );
  });

  test('may let a quarter of its requests stand, but at least one', () => {
    const splitter = createBlockSplitter(geometry);
    expect([250, 4, 1].map(splitter.requests)).toEqual([62, 1, 1]);
  });

  test('is told which parts are no longer wanted, and late ones are passed over', () => {
    const splitter = createBlockSplitter(geometry);
    const block = { piece: 0, offset: 64 * KIB, length: 64 * KIB };
    const [first, second] = requestsIn(splitter.outgoing({ type: 'request', ...block }));
    expect(splitter.incoming(answer(first!))).toBeUndefined();
    const cancels = splitter.outgoing({ type: 'cancel', ...block });
    expect(cancels).toEqual([80, 96, 112].map((at) => ({ type: 'cancel', piece: 0, offset: at * KIB, length: SMALL })));
    expect(splitter.incoming(answer(second!))).toBeUndefined();
    expect(splitter.outgoing({ type: 'cancel', ...block })).toEqual([]);
  });

  test('that refuses one part has refused the block, once', () => {
    const splitter = createBlockSplitter(geometry);
    const block = { piece: 1, offset: 0, length: 64 * KIB };
    const parts = requestsIn(splitter.outgoing({ type: 'request', ...block }));
    const heard = parts.map((part) => splitter.incoming({ ...part, type: 'reject' }));
    expect(heard).toEqual([{ type: 'reject', ...block }, undefined, undefined, undefined]);
  });

  test('that chokes us sends nothing of what it was asked for', () => {
    const splitter = createBlockSplitter(geometry);
    const parts = requestsIn(splitter.outgoing({ type: 'request', ...blocks[0]! }));
    expect(splitter.incoming({ type: 'choke' })).toEqual({ type: 'choke' });
    for (const part of parts) expect(splitter.incoming(answer(part))).toBeUndefined();
  });
});

describe('everything else passes as it is', () => {
  test('requests and blocks, where the neighbour takes large ones', () => {
    const splitter = createBlockSplitter(geometry);
    splitter.allowLarge();
    for (const block of blocks) {
      for (const type of ['request', 'cancel'] as const) {
        expect(splitter.outgoing({ type, ...block })).toEqual([{ type, ...block }]);
      }
      expect(splitter.incoming({ type: 'reject', ...block })).toEqual({ type: 'reject', ...block });
      const piece = answer({ type: 'request', ...block });
      expect(splitter.incoming(piece)).toBe(piece);
    }
    expect(splitter.requests(250)).toBe(250);
  });

  test('wrong sizes where blocks are small, for the engine to judge', () => {
    const splitter = createBlockSplitter(createGeometry(100_000, 32 * KIB));
    const wrong: Message = { type: 'piece', piece: 0, offset: 0, block: new Uint8Array(5) };
    expect(splitter.incoming(wrong)).toBe(wrong);
  });
});
