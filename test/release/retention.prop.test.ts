import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HostState, ReleaseFacts, ReleaseState } from '#recipe/host-state.ts';
import { expiredReleases, hasServed, rollbackTarget } from '#release/retention.ts';
import { releaseDate } from './release-names.ts';

const state = fc.constantFrom<ReleaseState>('building', 'ready', 'published', 'foreign');
const releases = fc.uniqueArray(fc.record({ name: releaseDate, state }), {
  selector: ({ name }) => name,
  maxLength: 14,
});
/** A host with its current release: one that is there, one that is not, or none. */
const host = releases.chain((list) =>
  fc.record({
    list: fc.constant<ReleaseFacts[]>(list),
    current: fc.oneof(fc.constant(undefined), releaseDate, ...list.map(({ name }) => fc.constant(name))),
  }),
);
const keep = fc.integer({ min: 1, max: 6 });

describe('what cleanup removes', () => {
  test('is never the current release', () => {
    fc.assert(
      fc.property(host, keep, ({ list, current }, keep) => {
        expect(expiredReleases(list, current, keep)).not.toContain(current);
      }),
    );
  });

  test('leaves as many published releases as shall be kept, the current one among them', () => {
    fc.assert(
      fc.property(host, keep, ({ list, current }, keep) => {
        const gone = expiredReleases(list, current, keep);
        const served = list.filter((release) => hasServed(release) || release.name === current);
        const left = served.filter(({ name }) => !gone.includes(name));
        const missing = current !== undefined && !served.some(({ name }) => name === current) ? 1 : 0;
        expect(left.length).toBe(Math.min(served.length, Math.max(keep - missing, 0)));
      }),
    );
  });

  test('holds every unfinished release but the current one', () => {
    fc.assert(
      fc.property(host, keep, ({ list, current }, keep) => {
        const unfinished = list.filter((release) => !hasServed(release) && release.name !== current);
        expect(expiredReleases(list, current, keep)).toEqual(
          expect.arrayContaining(unfinished.map(({ name }) => name)),
        );
      }),
    );
  });

  test('is older than every published release that stays, but for the current one', () => {
    fc.assert(
      fc.property(host, keep, ({ list, current }, keep) => {
        const gone = new Set(expiredReleases(list, current, keep));
        const served = list.filter(hasServed).map(({ name }) => name);
        const left = served.filter((name) => !gone.has(name) && name !== current);
        for (const name of served.filter((name) => gone.has(name)))
          for (const other of left) expect(name < other).toBe(true);
      }),
    );
  });

  test('is nothing the second time, and does not depend on the order of the list', () => {
    fc.assert(
      fc.property(host, keep, ({ list, current }, keep) => {
        const gone = expiredReleases(list, current, keep);
        expect(expiredReleases([...list].reverse(), current, keep).sort()).toEqual([...gone].sort());
        expect(
          expiredReleases(
            list.filter(({ name }) => !gone.includes(name)),
            current,
            keep,
          ),
        ).toEqual([]);
      }),
    );
  });
});

const day = (n: number) => `202611${String(n).padStart(2, '0')}120000`;
const hostState = (current: number | undefined, ...served: (number | [number, ReleaseState])[]): HostState => ({
  ...(current === undefined ? {} : { current: day(current) }),
  freeBytes: 0,
  programs: [],
  problems: [],
  releases: served.map((entry) => {
    const [n, state] = typeof entry === 'number' ? [entry, 'published' as const] : entry;
    return { name: day(n), state };
  }),
});
const fleet = (...states: HostState[]) => states.map((state, index) => ({ host: `web${index + 1}`, state }));

describe('a rollback returns to', () => {
  test('the newest older release that every host has', () => {
    expect(rollbackTarget(fleet(hostState(4, 1, 2, 3, 4), hostState(4, 1, 2, 4)))).toEqual({ release: day(2) });
  });

  test('a release made by Capistrano, too', () => {
    expect(rollbackTarget(fleet(hostState(4, [2, 'foreign'], 4)))).toEqual({ release: day(2) });
  });

  test('no release that was never finished', () => {
    expect(rollbackTarget(fleet(hostState(4, 2, [3, 'ready'], 4)))).toEqual({ release: day(2) });
    expect(rollbackTarget(fleet(hostState(4, [3, 'building'], 4)))).toHaveProperty('refused');
  });

  test('what the others serve, where one host alone was switched', () => {
    expect(rollbackTarget(fleet(hostState(3, 2, 3), hostState(2, 2, 3)))).toEqual({ release: day(2) });
  });

  test('a newer release only when it is asked for', () => {
    const states = fleet(hostState(2, 1, 2, 3));
    expect(rollbackTarget(states)).toEqual({ release: day(1) });
    expect(rollbackTarget(states, day(3))).toEqual({ release: day(3) });
  });

  test('nothing, in words, where there is nothing: the hosts without the wanted release are named', () => {
    const words = (...args: Parameters<typeof rollbackTarget>) =>
      (rollbackTarget(...args) as { refused: string }).refused;
    expect(words(fleet(hostState(undefined)))).toMatch(/no host has a current release/);
    expect(words(fleet(hostState(1, 1)))).toMatch(new RegExp(`no release older than ${day(1)}`));
    expect(words(fleet(hostState(2, 1, 2), hostState(2, 2)), day(1))).toMatch(
      new RegExp(`${day(1)} has not been published on web2;`),
    );
  });
});

test('a rollback of any fleet goes to a release that is older than the newest current one and served everywhere, if there is one', () => {
  fc.assert(
    fc.property(fc.array(host, { minLength: 1, maxLength: 4 }), (hosts) => {
      const states = fleet(
        ...hosts.map(({ list, current }) => ({
          ...(current === undefined ? {} : { current }),
          releases: list,
          programs: [],
          freeBytes: 0,
          problems: [],
        })),
      );
      const newest = hosts
        .flatMap(({ current }) => current ?? [])
        .sort()
        .at(-1);
      const everywhere = hosts[0]!.list
        .map(({ name }) => name)
        .filter((name) =>
          hosts.every(({ list, current }) =>
            list.some((release) => release.name === name && (hasServed(release) || name === current)),
          ),
        )
        .filter((name) => newest !== undefined && name < newest)
        .sort();
      const target = rollbackTarget(states);
      expect('release' in target ? target.release : undefined).toBe(everywhere.at(-1));
    }),
  );
});
