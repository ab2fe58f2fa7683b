import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextReleaseName, releaseTime } from '#release/release-name.ts';
import { releaseDate } from './release-names.ts';

const now = fc.integer({ min: 0, max: Date.UTC(2099, 11, 31) });

describe('the name of the next release', () => {
  test('is the UTC second as 14 digits', () => {
    expect(nextReleaseName(Date.UTC(2026, 10, 22, 9, 30, 0, 999), [])).toBe('20261122093000');
  });

  test('is later than every release there is, also with a slow clock and over the end of a month or year', () => {
    expect(nextReleaseName(0, ['20261231235959'])).toBe('20270101000000');
    fc.assert(
      fc.property(now, fc.array(releaseDate), (now, existing) => {
        const name = nextReleaseName(now, existing);
        for (const other of existing) expect(name > other).toBe(true);
      }),
    );
  });

  test('is a time that exists, and no earlier than now', () => {
    fc.assert(
      fc.property(now, fc.array(releaseDate), (now, existing) => {
        const name = nextReleaseName(now, existing);
        expect(name).toMatch(/^\d{14}$/);
        expect(releaseTime(name)).toBeGreaterThanOrEqual(Math.floor(now / 1000) * 1000);
      }),
    );
  });

  test('is new each time, for deploys within one second', () => {
    fc.assert(
      fc.property(now, fc.integer({ min: 1, max: 20 }), (now, count) => {
        const names: string[] = [];
        for (let i = 0; i < count; i++) names.push(nextReleaseName(now, names));
        expect(names).toEqual([...new Set(names)].sort());
      }),
    );
  });

  test('does not mind directories that are no releases, or whose digits are no time', () => {
    fc.assert(
      fc.property(now, fc.array(fc.oneof(fc.string(), fc.stringMatching(/^\d{14}$/))), (now, existing) => {
        expect(nextReleaseName(now, existing)).toMatch(/^\d{14}$/);
      }),
    );
    expect(nextReleaseName(0, ['99999999999999', 'tmp', '20261301000000'])).toBe('19700101000000');
  });
});
