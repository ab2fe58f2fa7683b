import { expect, test } from 'vitest';
import { createNaps } from '#peer/nap.ts';
import { createTurn } from '#peer/turn.ts';

const turnOver = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('what is put off happens once, at the end of its turn or of the next, and a rest follows', async () => {
  const log: string[] = [];
  const turn = createTurn((bytes) => void log.push(`rest ${bytes}`));
  turn.atNextEnd(() => void log.push('news'));
  turn.atEnd(() => void log.push('block'));
  turn.took(5);
  turn.took(6);
  expect(log).toEqual([]);
  await turnOver();
  await turnOver();
  await turnOver();
  expect(log).toEqual(['block', 'rest 11', 'news', 'rest 0']);
});

test('what is put off while a turn ends belongs to the next', async () => {
  const log: string[] = [];
  const turn = createTurn(() => void log.push('rest'));
  turn.atEnd(() => {
    log.push('first');
    turn.atEnd(() => void log.push('second'));
  });
  await turnOver();
  await turnOver();
  expect(log).toEqual(['first', 'rest', 'second', 'rest']);
});

/** Naps that a peer takes at a steady rate; it looks every 10 ms. */
const napsAt = (bytesPerSecond: number, seconds: number, content: number, links = 8): { at: number; ms: number }[] => {
  const naps: { at: number; ms: number }[] = [];
  let time = 1000;
  let left = content;
  const sleep = (ms: number): void => void naps.push({ at: time - 1000, ms });
  const rest = createNaps({ now: () => time, left: () => left, links: () => links, sleep });
  for (; time < 1000 + seconds * 1000; time += 10) {
    left = Math.max(0, left - bytesPerSecond / 100);
    rest(bytesPerSecond / 100);
  }
  return naps;
};

test('a peer naps in the midst of a slow transfer, not while it begins or ends', () => {
  const naps = napsAt(3e6, 12, 30e6);
  expect(naps[0]!.at).toBeGreaterThanOrEqual(500);
  expect(naps[0]!.at).toBeLessThan(600);
  expect(naps.at(-1)!.at).toBeGreaterThan(9000);
  expect(naps.at(-1)!.at).toBeLessThan(9500);
  expect(Math.max(...naps.map(({ ms }) => ms))).toBe(40);
});

test('a peer on a fast link never naps, nor one with few neighbours on a middling one, nor one that has everything', () => {
  expect(napsAt(125e6, 3, 1e9)).toEqual([]);
  expect(napsAt(12.5e6, 3, 1e9, 2)).toEqual([]);
  expect(napsAt(3e6, 3, 0)).toEqual([]);
});
