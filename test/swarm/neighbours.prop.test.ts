import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drawNeighbours, drawSeederNeighbours } from '#swarm/neighbours.ts';
import { seededRandom } from '../sim/random.ts';

const reachable = (graph: readonly ReadonlySet<number>[], from: number): Set<number> => {
  const seen = new Set([from]);
  for (const place of seen) for (const next of graph[place]!) seen.add(next);
  return seen;
};

describe('the neighbours of a fleet', () => {
  test('know each other, never themselves, reach everybody, and are no more than a host can serve', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(), (hosts, seed) => {
        const graph = drawNeighbours(hosts, seededRandom(seed));
        expect(graph).toHaveLength(hosts);
        for (const [place, neighbours] of graph.entries()) {
          expect(neighbours.has(place)).toBe(false);
          expect(neighbours.size).toBeLessThanOrEqual(19);
          for (const other of neighbours) expect(graph[other]!.has(place)).toBe(true);
        }
        expect(reachable(graph, 0).size).toBe(hosts);
      }),
    );
  });

  test('are all others in a fleet of up to 20', () => {
    for (const neighbours of drawNeighbours(20, seededRandom(1))) expect(neighbours.size).toBe(19);
  });

  test('of the seeder are all in a small fleet, and 40 in a large one', () => {
    expect(drawSeederNeighbours(40, seededRandom(1)).size).toBe(40);
    expect(drawSeederNeighbours(1000, seededRandom(1)).size).toBe(40);
    expect(Math.max(...drawSeederNeighbours(1000, seededRandom(1)))).toBeGreaterThan(500);
  });
});
