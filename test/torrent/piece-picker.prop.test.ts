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

/** A picker and neighbours that have these pieces, with keys from 0. */
const start = (seed: number, pieces: readonly (readonly number[])[]) => {
  const have = createBitfield(PIECES);
  const neighbours = new Map<number, Neighbour>();
  const picker = createPiecePicker({ geometry, have, random: seededRandom(seed), neighbours });
  const peers = pieces.map((list, key) => {
    const peer = createNeighbour(key, true, PIECES, 0);
    neighbours.set(key, peer);
    for (const piece of list) {
      peer.bits.add(piece);
      picker.gain(peer, piece);
    }
    return peer;
  });
  return { have, picker, peers };
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
        const { have, picker, peers } = start(seed, pieces);
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
            peer.pending.set(blockKey(picked), { ...picked, askedAt: 0 });
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
            const states = [picker.isMissing(piece), picker.open.has(piece), have.has(piece)];
            expect(states.filter(Boolean)).toHaveLength(1);
          }
          for (const each of peers) {
            expect(each.askable).toBe(all.filter((piece) => each.bits.has(piece) && picker.isMissing(piece)).length);
          }
        }
      }),
    );
  });

  test('begins with what fewest neighbours have', () => {
    const { picker, peers } = start(1, [all, all.filter((piece) => piece !== 7)]);
    expect(picker.pick(peers[0]!)?.piece).toBe(7);
    const other = start(1, [[1, 2], [1, 2], [2]]);
    expect(other.picker.beginRarest(() => other.peers[1])).toBe(other.peers[1]);
    expect([...other.picker.open.keys()]).toEqual([1]);
  });

  test('names the only sender of a wrong piece, and gives the next attempt to one peer alone', () => {
    const { picker, peers } = start(2, [[3], [3]]);
    const [left, right] = peers as [Neighbour, Neighbour];
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
    const { picker, peers } = start(3, [[3], all]);
    const [left, right] = peers as [Neighbour, Neighbour];
    const ref = picker.pick(left) as BlockRef;
    expect(picker.release(left.key, ref)).toBe(false);
    expect(picker.pick(right)?.piece).toBe(3);
  });
});
