import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createBitfield } from '#torrent/bitfield.ts';
import { createGeometry } from '#torrent/geometry.ts';
import { type BlockRef, createNeighbour, type Neighbour } from '#torrent/neighbour.ts';
import { createPiecePicker } from '#torrent/piece-picker.ts';
import { seededRandom } from '../sim/random.ts';

const PIECES = 12;
const geometry = createGeometry(PIECES * 48 * 1024 - 5000, 48 * 1024);
const blockKey = ({ piece, block }: BlockRef): number => piece * geometry.blocksPerPiece + block;

const start = (seed: number) => {
  const have = createBitfield(PIECES);
  return { have, picker: createPiecePicker(geometry, have, seededRandom(seed)) };
};

const neighbour = (key: number, pieces: readonly number[]): Neighbour => {
  const peer = createNeighbour(key, true, PIECES, 0);
  for (const piece of pieces) peer.bits.add(piece);
  return peer;
};

const all = Array.from({ length: PIECES }, (_, piece) => piece);

describe('the picker', () => {
  test('keeps every piece in exactly one state, and never asks a peer for what it lacks or was asked for already', () => {
    const step = fc.tuple(
      fc.nat(2),
      fc.constantFrom('pick', 'pick', 'receive', 'receive', 'release', 'right', 'wrong'),
      fc.nat(),
    );
    const sources = fc.array(fc.subarray(all), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(fc.nat(), sources, fc.array(step, { maxLength: 200 }), (seed, pieces, steps) => {
        const { have, picker } = start(seed);
        const peers = pieces.map((list, key) => neighbour(key, list));
        for (const piece of pieces.flat()) picker.addSource(piece);
        const whole: number[] = [];
        for (const [index, act, chance] of steps) {
          const peer = peers[index] as Neighbour;
          const pending = [...peer.pending.values()];
          const ref = pending[chance % Math.max(1, pending.length)];
          if (act === 'pick') {
            const picked = picker.pick(peer);
            if (picked === undefined) continue;
            expect(peer.bits.has(picked.piece)).toBe(true);
            expect(peer.pending.has(blockKey(picked))).toBe(false);
            expect(have.has(picked.piece)).toBe(false);
            peer.pending.set(blockKey(picked), picked);
          } else if (act === 'receive' && ref !== undefined) {
            peer.pending.delete(blockKey(ref));
            const verdict = picker.receive(peer.key, ref);
            picker.settle(ref);
            if (verdict === 'whole') whole.push(ref.piece);
          } else if (act === 'release' && ref !== undefined) {
            peer.pending.delete(blockKey(ref));
            picker.release(peer.key, ref);
          } else if (act === 'right' || act === 'wrong') {
            const piece = whole.shift();
            if (piece !== undefined) picker.close(piece, act === 'right');
          }
          for (const piece of all) {
            const states = [picker.missing.includes(piece), picker.open.has(piece), have.has(piece)];
            expect(states.filter(Boolean)).toHaveLength(1);
          }
        }
      }),
    );
  });

  test('begins at random, and then with what fewest peers have', () => {
    const { have, picker } = start(1);
    const seeder = neighbour(0, all);
    for (const piece of all) for (let count = piece === 7 ? 1 : 2; count > 0; count--) picker.addSource(piece);
    const first = picker.pick(seeder) as BlockRef;
    expect(first.piece).not.toBe(7);
    have.add(first.piece === 0 ? 1 : 0);
    picker.receive(0, first);
    while (picker.open.get(first.piece)?.unasked) picker.pick(seeder);
    expect(picker.pick(seeder)?.piece).toBe(7);
  });

  test('names the only sender of a wrong piece, and gives the next attempt to one peer alone', () => {
    const { picker } = start(2);
    const left = neighbour(1, [3]);
    const right = neighbour(2, [3]);
    for (let count = 0; count < 2; count++) picker.addSource(3);
    for (const [at, peer] of [left, right, left].entries()) {
      const ref = picker.pick(peer) as BlockRef;
      expect(picker.receive(peer.key, ref)).toBe(at === 2 ? 'whole' : 'stored');
      picker.settle(ref);
    }
    expect(picker.close(3, false)).toHaveLength(2);
    const ref = picker.pick(left) as BlockRef;
    expect(picker.pick(right)).toBeUndefined();
    expect(picker.receive(right.key, ref)).toBe('unwanted');
    expect(picker.receive(left.key, ref)).toBe('stored');
  });

  test('takes over the piece of a peer that gave up', () => {
    const { picker } = start(3);
    const left = neighbour(1, [3]);
    const right = neighbour(2, all);
    for (const piece of [...all, 3]) picker.addSource(piece);
    const ref = picker.pick(left) as BlockRef;
    expect(picker.release(left.key, ref)).toBe(false);
    expect(picker.pick(right)?.piece).toBe(3);
  });
});
