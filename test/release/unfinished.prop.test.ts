import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ReleaseFacts, ReleaseState } from '#recipe/host-state.ts';
import { currentRelease, type NamedState } from '#release/retention.ts';
import { groupByRevision } from '#release/served.ts';
import { findUnfinished } from '#release/unfinished.ts';
import { platform } from './platform.ts';

const day = (n: number) => `202611${String(n).padStart(2, '0')}120000`;
const sha = (n: number) => String(n).repeat(40);
const facts = (n: number, state: ReleaseState = 'published', revision = sha(n)): ReleaseFacts => ({
  ...{ name: day(n), state },
  ...(revision === '' ? {} : { revision }),
});
let count = 0;
const host = (current: number | undefined, ...releases: ReleaseFacts[]): NamedState => ({
  host: `web${++count}`,
  state: {
    ...(current === undefined ? {} : { current: day(current) }),
    releases,
    freeBytes: 0,
    platform,
    programs: [],
    problems: [],
  },
});

describe('what the last run has left to do', () => {
  test('is the newest release that serves anywhere, on the hosts where it does not', () => {
    const [done, behind, half, empty] = [
      host(2, facts(1), facts(2)),
      host(1, facts(1)),
      host(1, facts(1), facts(2, 'failed')),
      host(undefined),
    ];
    expect(findUnfinished([behind!, done!, half!, empty!])).toEqual({
      ...{ release: day(2), revision: sha(2) },
      hosts: [behind!.host, half!.host, empty!.host],
    });
  });

  test('is nothing where all of them serve it', () => {
    expect(findUnfinished([host(2, facts(2)), host(2, facts(2))])).toMatchObject({ release: day(2), hosts: [] });
  });

  test('takes what the last run has begun and never published for nothing', () => {
    expect(findUnfinished([host(1, facts(1), facts(2, 'ready')), host(undefined)])).toMatchObject({ release: day(1) });
  });

  test('goes on with a rollback, where that was the last run', () => {
    const left = host(2, facts(1), facts(2));
    expect(findUnfinished([host(1, facts(1), facts(2, 'bad')), left])).toEqual({
      ...{ release: day(1), revision: sha(1) },
      hosts: [left.host],
    });
  });

  test('may be a release of Capistrano', () => {
    expect(findUnfinished([host(1, facts(1, 'foreign')), host(undefined)])).toMatchObject({ revision: sha(1) });
  });

  test('a host whose current points to a release that is gone does not serve it', () => {
    expect(findUnfinished([host(1, facts(1)), host(1)])).toMatchObject({ hosts: [`web${count}`] });
  });

  test.each([
    ['nothing serves', [host(undefined), host(undefined, facts(1))], /no host serves a release/],
    ['no revision is recorded', [host(1, facts(1, 'foreign', '')), host(undefined)], /not recorded one revision/],
    [
      'the hosts differ in what it is',
      [host(1, facts(1)), host(1, facts(1, 'published', sha(2)))],
      /one revision for it/,
    ],
  ])('is refused in words where %s', (_, states, words) => {
    expect(findUnfinished(states)).toEqual({ refused: expect.stringMatching(words) });
  });
});

const anyState = fc.record({
  current: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  held: fc.uniqueArray(
    fc.tuple(
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom<ReleaseState>('ready', 'published', 'failed', 'bad', 'foreign'),
    ),
    { selector: ([n]) => n },
  ),
});
const anyFleet = fc
  .array(anyState, { minLength: 1, maxLength: 4 })
  .map((hosts) => hosts.map(({ current, held }) => host(current, ...held.map(([n, state]) => facts(n, state)))));

test('of any fleet: every host is either to be finished or serves the release, which serves somewhere and is bad nowhere', () => {
  fc.assert(
    fc.property(anyFleet, (states) => {
      const last = findUnfinished(states);
      if ('refused' in last) return;
      const serving = states
        .filter(({ state }) => currentRelease(state)?.name === last.release)
        .map(({ host }) => host);
      expect(serving.length).toBeGreaterThan(0);
      expect([...serving, ...last.hosts].sort()).toEqual(states.map(({ host }) => host).sort());
      for (const { state } of states)
        expect(state.releases).not.toContainEqual(expect.objectContaining({ name: last.release, state: 'bad' }));
    }),
  );
});

test('hosts are grouped by what they serve, each in one group', () => {
  const states = [host(1, facts(1)), host(2, facts(1), facts(2)), host(1, facts(1)), host(undefined), host(3)];
  const [a, b, c, d, e] = states.map(({ host }) => host);
  expect(groupByRevision(states)).toEqual([
    { hosts: [a, c], serves: true, revision: sha(1) },
    { hosts: [b], serves: true, revision: sha(2) },
    { hosts: [d], serves: false },
    { hosts: [e], serves: true },
  ]);
});
