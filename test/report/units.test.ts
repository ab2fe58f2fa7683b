import { expect, test } from 'vitest';
import { formatCount } from '#recipe/format-count.ts';
import { nameHosts } from '#report/host-names.ts';
import { rateAt, readMeter, startMeter } from '#report/meter.ts';
import { formatBytes, formatPercent, formatRate, formatSeconds, plural } from '#report/units.ts';

test('bytes are decimal and never say 1000.0', () => {
  expect([0, 812, 999, 1000, 30_100_000, 999_960, 1.5e12, Number.NaN].map(formatBytes)).toEqual([
    '0 B',
    '812 B',
    '999 B',
    '1.0 kB',
    '30.1 MB',
    '1.0 MB',
    '1.5 TB',
    '0 B',
  ]);
  expect(formatRate(45_200_000)).toBe('45.2 MB/s');
});

test('durations are said as people say them', () => {
  expect([0.3, 7.1, 9.96, 42.2, 59.7, 60, 125, 3600, 3780].map(formatSeconds)).toEqual([
    '0.3 s',
    '7.1 s',
    '10 s',
    '42 s',
    '1 min',
    '1 min',
    '2 min 5 s',
    '1 h',
    '1 h 3 min',
  ]);
});

test('counts have thousands separators and nouns their plural', () => {
  expect([0, 999, 2000, 1_234_567].map(formatCount)).toEqual(['0', '999', '2,000', '1,234,567']);
  expect([plural(1, 'host'), plural(2000, 'file')]).toEqual(['1 host', '2,000 files']);
});

test('100 % is said only of what is complete', () => {
  expect([formatPercent(0, 10), formatPercent(999, 1000), formatPercent(10, 10), formatPercent(0, 0)]).toEqual([
    '0 %',
    '99 %',
    '100 %',
    '100 %',
  ]);
});

test('hosts with consecutive numbers are named as a run', () => {
  const web = Array.from({ length: 20 }, (_, index) => `web${String(index + 1).padStart(2, '0')}.example.com`);
  expect(nameHosts(web)).toBe('web01.example.com..web20.example.com (20 hosts)');
  expect(nameHosts(['web01', 'web02', 'web03', 'db1'])).toBe('web01..web03, db1 (4 hosts)');
  expect(nameHosts(['127.0.0.1', '127.0.0.2', '127.0.0.3'])).toBe('127.0.0.1..127.0.0.3 (3 hosts)');
  expect(nameHosts(['a', 'c', 'e', 'g', 'i'])).toBe('a, c, e, g, … (5 hosts)');
  expect(nameHosts(['web01'])).toBe('web01');
});

test('a rate needs two readings apart and falls off in silence', () => {
  const first = startMeter(0, 0);
  expect(rateAt(readMeter(first, 100, 5000), 100)).toBeUndefined();
  const second = readMeter(first, 1000, 10_000);
  expect(rateAt(second, 1000)).toBe(10_000);
  expect(rateAt(second, 2900)).toBe(10_000);
  expect(rateAt(second, 6000)).toBe(2500);
});
