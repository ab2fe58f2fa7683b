import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HostState, ReleaseFacts, ReleaseState } from '#recipe/host-state.ts';
import { recordsOfRollback } from '#release/records.ts';
import { expiredReleases, hostsWhereBad, isGood, rollbackTarget } from '#release/retention.ts';
import { platform } from './platform.ts';
import { releaseDate } from './release-names.ts';

const state = fc.constantFrom<ReleaseState>('building', 'ready', 'published', 'failed', 'bad', 'foreign');
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

  test('leaves as many good releases as shall be kept, the current one among them', () => {
    fc.assert(
      fc.property(host, keep, ({ list, current }, keep) => {
        const gone = expiredReleases(list, current, keep);
        const served = list.filter((release) => isGood(release) || release.name === current);
        const left = served.filter(({ name }) => !gone.includes(name));
        const missing = current !== undefined && !served.some(({ name }) => name === current) ? 1 : 0;
        expect(left.length).toBe(Math.min(served.length, Math.max(keep - missing, 0)));
      }),
    );
  });

  test('holds every bad, failed and unfinished release but the current one', () => {
    fc.assert(
      fc.property(host, keep, ({ list, current }, keep) => {
        const unfinished = list.filter((release) => !isGood(release) && release.name !== current);
        expect(expiredReleases(list, current, keep)).toEqual(
          expect.arrayContaining(unfinished.map(({ name }) => name)),
        );
      }),
    );
  });

  test('is older than every good release that stays, but for the current one', () => {
    fc.assert(
      fc.property(host, keep, ({ list, current }, keep) => {
        const gone = new Set(expiredReleases(list, current, keep));
        const served = list.filter(isGood).map(({ name }) => name);
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
  platform,
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

  test('no release that an earlier rollback has left on any of the hosts, but further back', () => {
    expect(rollbackTarget(fleet(hostState(2, 1, 2, [3, 'bad'])))).toEqual({ release: day(1) });
    expect(rollbackTarget(fleet(hostState(4, 2, [3, 'bad'], 4)))).toEqual({ release: day(2) });
    expect(rollbackTarget(fleet(hostState(4, 2, 3, 4), hostState(4, 2, [3, 'bad'], 4)))).toEqual({ release: day(2) });
  });

  test('a bad one when it is asked for, and never to a failed one', () => {
    const states = fleet(hostState(2, [1, 'failed'], 2, [3, 'bad']), hostState(2, 1, 2, 3));
    expect(rollbackTarget(states, day(3))).toEqual({ release: day(3) });
    expect(hostsWhereBad(states, day(3))).toEqual(['web1']);
    expect(rollbackTarget(states, day(1))).toEqual({
      refused: `release ${day(1)} has not been published on web1; see \`releases\``,
    });
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
    expect(words(fleet(hostState(3, [1, 'bad'], [2, 'bad'], 3)))).toBe(
      `no release older than ${day(3)} has been published on all of the hosts and is not bad; \`--release\` goes to one that is (${day(1)}, ${day(2)}); see \`releases\``,
    );
    expect(words(fleet(hostState(2, 1, 2), hostState(2, 2)), day(1))).toMatch(
      new RegExp(`${day(1)} has not been published on web2;`),
    );
  });
});

/** A fleet of any states, each host with some of the same few releases, so that they have something in common. */
const anyFleet = fc
  .array(
    fc.record({
      current: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
      held: fc.uniqueArray(
        fc.tuple(
          fc.integer({ min: 1, max: 5 }),
          fc.oneof({ weight: 3, arbitrary: fc.constant<ReleaseState>('published') }, state),
        ),
        {
          selector: ([n]) => n,
        },
      ),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((hosts) => fleet(...hosts.map(({ current, held }) => hostState(current, ...held))));

test('a rollback of any fleet goes to the newest release that is older than the newest current one, good or current everywhere and bad nowhere, if there is one', () => {
  fc.assert(
    fc.property(anyFleet, (states) => {
      const newest = states
        .map(({ state }) => state.current ?? '')
        .sort()
        .at(-1)!;
      const fit = [1, 2, 3, 4, 5]
        .map(day)
        .filter((name) =>
          states.every(({ state }) =>
            state.releases.some(
              (release) =>
                release.name === name && release.state !== 'bad' && (isGood(release) || name === state.current),
            ),
          ),
        );
      const target = rollbackTarget(states);
      expect('release' in target ? target.release : undefined).toBe(fit.filter((name) => name < newest).at(-1));
      expect('refused' in target).toBe(!('release' in target));
    }),
  );
});

test('a rollback marks what it leaves, so that the next one without a name goes further back, until there is none', () => {
  fc.assert(
    fc.property(anyFleet, (states) => {
      let fleet = states;
      let before = '99999999999999';
      for (let rounds = 0; rounds < 6; rounds++) {
        const target = rollbackTarget(fleet);
        if ('refused' in target) return;
        expect(target.release < before).toBe(true);
        before = target.release;
        fleet = fleet.map(({ host, state }) => ({ host, state: afterRollback(state, target.release) }));
        for (const { state } of fleet) expect(expiredReleases(state.releases, state.current, 1)).not.toContain(before);
      }
      expect.fail('it never ends');
    }),
  );
});

const afterRollback = (state: HostState, target: string): HostState => {
  const changed = recordsOfRollback(state, target);
  return {
    ...state,
    current: target,
    releases: state.releases.map((release) => changed.find(({ name }) => name === release.name) ?? release),
  };
};

test('returning to a release that was left, and back again, makes neither of them bad for good', () => {
  const three = hostState(3, 1, 2, 3);
  const two = afterRollback(three, day(2));
  expect(two.releases.map(({ state }) => state)).toEqual(['published', 'published', 'bad']);
  const forward = afterRollback(two, day(3));
  expect(forward.releases.map(({ state }) => state)).toEqual(['published', 'published', 'published']);
});
