import { describe, expect, test } from 'vitest';
import { runRandomSwarm } from './random-swarm.ts';

/** A calm swarm takes at most so many times its bound, and so many seconds more. */
const RATIO = 3;
const SLACK = 3;

/** What is wrong with the swarm of a seed, with the line that runs it again. */
const complaint = (seed: number): string[] => {
  const replay = `node test/sim/run.mjs --random-swarm ${seed}`;
  try {
    const { complete, calm, seconds, bound } = runRandomSwarm(seed);
    if (!complete) return [`${replay}: never completes`];
    const slow = calm && seconds > RATIO * bound + SLACK;
    return slow ? [`${replay}: takes ${seconds} s, its bound is ${bound} s`] : [];
  } catch (error) {
    return [`${replay}: ${error}`];
  }
};

describe('a small swarm made by chance', () => {
  const hundreds = Array.from({ length: 10 }, (_, index) => index * 100);
  test.each(hundreds)(
    'completes whatever joins, dies, falls silent or lies, and in time when all is well (from seed %i)',
    (first) => {
      const seeds = Array.from({ length: 100 }, (_, index) => first + index);
      expect(seeds.flatMap(complaint)).toEqual([]);
    },
  );
});
