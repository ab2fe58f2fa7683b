import { expect, test } from 'vitest';
import { bound, type FleetOptions, simulateFleet } from './fleet.ts';

const MIB = 1024 * 1024;

test('the bound is the slowest of: one copy out of the seeder, one copy into a host, all copies over all links', () => {
  expect(bound(100, 10, [100, 100])).toBe(10);
  expect(bound(100, 1000, [50, 10])).toBe(10);
  expect(bound(100, 100, [10, 10, 10], [100, 100, 100])).toBeCloseTo(300 / 130);
});

test.each<[string, FleetOptions, { ratio: number; egress: number }]>([
  ['8 hosts', { hosts: 8, rate: 25, bytes: 16 * MIB }, { ratio: 1.12, egress: 1.1 }],
  ['16 hosts', { hosts: 16, rate: 25, bytes: 16 * MIB }, { ratio: 1.15, egress: 1.1 }],
  ['32 hosts', { hosts: 32, rate: 12.5, bytes: 16 * MIB }, { ratio: 1.1, egress: 1.1 }],
  ['a seeder on a slow line', { hosts: 16, rate: 25, seedRate: 5, bytes: 4 * MIB }, { ratio: 1.12, egress: 1.1 }],
  ['one slow host among 16', { hosts: 16, rate: 25, slow: 1, bytes: 8 * MIB }, { ratio: 1.2, egress: 2 }],
  [
    '128 hosts, of which nobody knows all',
    { hosts: 128, rate: 100, bytes: 64 * MIB, pieceLength: MIB / 4, blockBytes: MIB / 4 },
    { ratio: 1.4, egress: 1.1 },
  ],
])('%s come close to the bound, and the seeder sends about one copy', (_, options, limits) => {
  const result = simulateFleet(options);
  expect(result.ratio).toBeLessThan(limits.ratio);
  expect(result.egress).toBeLessThan(limits.egress);
  expect(result.duplicates).toBeLessThan(0.05);
  if (result.slowRatio !== undefined) expect(result.slowRatio).toBeLessThan(1.15);
});
