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
        const { of: graph, gateways } = drawNeighbours(Array(hosts).fill(undefined), seededRandom(seed));
        expect(gateways.size).toBe(0);
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
    for (const neighbours of drawNeighbours(Array(20).fill('a'), seededRandom(1)).of) expect(neighbours.size).toBe(19);
  });

  test('of several zones reach everybody, know all of a small zone, and few of others; gateways are numbered', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 2, maxLength: 9 });
    fc.assert(
      fc.property(sizes, fc.nat(), (hosts, seed) => {
        const zones = hosts.flatMap((size, zone) =>
          Array<string | undefined>(size).fill(zone === 0 ? undefined : `z${zone}`),
        );
        const { of: graph, gateways } = drawNeighbours(zones, seededRandom(seed));
        expect(reachable(graph, 0).size).toBe(zones.length);
        for (const [place, neighbours] of graph.entries()) {
          const far = [...neighbours].filter((other) => zones[other] !== zones[place]);
          expect(far.length).toBeLessThanOrEqual(6 * 8);
          expect(gateways.has(place)).toBe(far.length > 0);
        }
        for (const zone of new Set(zones)) {
          const own = [...gateways].filter(([place]) => zones[place] === zone).map(([, gateway]) => gateway);
          expect(own.map(([index]) => index).sort((a, b) => a - b)).toEqual([...own.keys()]);
          for (const [, all] of own) expect(all).toBe(own.length);
          expect(own.length).toBeGreaterThan(0);
        }
      }),
    );
  });

  test('of the seeder are all in a small fleet, and 40 in a large one', () => {
    expect(drawSeederNeighbours(40, seededRandom(1)).size).toBe(40);
    expect(drawSeederNeighbours(1000, seededRandom(1)).size).toBe(40);
    expect(Math.max(...drawSeederNeighbours(1000, seededRandom(1)))).toBeGreaterThan(500);
  });
});
