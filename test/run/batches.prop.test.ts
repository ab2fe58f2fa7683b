import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allowedFailures } from '#run/allowed-failures.ts';
import { batchesOf, primaryOf } from '#run/batches.ts';
import { inventoryOf } from '../inventory/hosts.ts';

const hostsOf = (count: number) =>
  inventoryOf(Array.from({ length: count }, (_, index) => `h${index}`)).map((host) => ({ host }));

test('every host is in exactly one group, in order, and no group is larger than the limit', () => {
  fc.assert(
    fc.property(fc.nat({ max: 40 }), fc.constantFrom('parallel', 'sequence', 'groups'), limit(), (count, way, size) => {
      const hosts = hostsOf(count);
      const { groups, atOnce } = batchesOf(hosts, { in: way, ...(size === undefined ? {} : { limit: size }) });
      expect(groups.flat()).toEqual(hosts);
      expect(groups.every((group) => group.length > 0)).toBe(true);
      if (way === 'sequence') expect(groups.every((group) => group.length === 1)).toBe(true);
      if (way === 'parallel') expect(groups.length).toBeLessThanOrEqual(1);
      if (way === 'groups') expect(groups.every((group) => group.length <= atOnce)).toBe(true);
    }),
  );
});

const limit = () =>
  fc.option(
    fc.oneof(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 100 }).map((share) => `${share}%` as const),
    ),
    { nil: undefined },
  );

describe('groups', () => {
  test.each([
    ['a share, rounded up', 10, '25%' as const, [3, 3, 3, 1]],
    ['a number', 5, 2, [2, 2, 1]],
    ['all', 4, '100%' as const, [4]],
  ])('%s', (_, count, size, lengths) => {
    const { groups } = batchesOf(hostsOf(count), { in: 'groups', limit: size });
    expect(groups.map((group) => group.length)).toEqual(lengths);
  });

  test.each([0, -1, 1.5, 'many' as '1%', '0%' as const])('of %s are refused', (size) => {
    expect(() => batchesOf(hostsOf(3), { in: 'groups', limit: size })).toThrow(/neither a number of hosts/);
  });

  test('once is the primary host, or the first', () => {
    const hosts = inventoryOf(['a', { host: 'b', primary: true }, 'c']).map((host) => ({ host }));
    expect(batchesOf(hosts, { once: true }).groups.flat()).toEqual([hosts[1]]);
    expect(primaryOf(hostsOf(2))?.host.name).toBe('h0');
  });
});

test.each([
  ['stop', undefined, 10, 0],
  ['continue', undefined, 10, 9],
  ['stop', 3, 10, 3],
  ['stop', '10%', 25, 2],
  ['stop', '100%', 4, 3],
  ['stop', 9, 1, 0],
] as const)(
  'of on-failure %s and max-failures %s, %i hosts may have %i failures',
  (onFailure, maxFailures, hosts, allowed) => {
    expect(allowedFailures({ onFailure, ...(maxFailures === undefined ? {} : { maxFailures }) }, hosts)).toBe(allowed);
  },
);
