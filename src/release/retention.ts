import type { HostState, ReleaseFacts } from '#recipe/host-state.ts';

/**
 * The releases to remove: all but the newest `keep` that are good, never the current one; those that are bad or were
 * never finished do not count and go. (Capistrano counts failed ones and deletes good ones for them: #1907, #2120.)
 */
export const expiredReleases = (
  releases: readonly ReleaseFacts[],
  current: string | undefined,
  keep: number,
): string[] => {
  const served = releases.filter((release) => isGood(release) || release.name === current);
  const kept = new Set(newest(served, keep).map((release) => release.name));
  const currentKept = current === undefined || kept.has(current);
  if (!currentKept && kept.size >= keep) kept.delete(oldest([...kept]));
  return releases.map((release) => release.name).filter((name) => name !== current && !kept.has(name));
};

/**
 * The release that a rollback returns to: the newest that is good on every host and older than the newest current one;
 * or the wanted one, if it has served on every host, be it bad or not. Otherwise a sentence that says why not.
 */
export const rollbackTarget = (states: readonly NamedState[], wanted?: string): { release: string } | Refusal =>
  wanted === undefined ? newestOlder(states) : ifEverywhere(wanted, states);

/** A sentence that says why something cannot be done. */
export interface Refusal {
  readonly refused: string;
}

/** A host by its name, with what was found there. */
export interface NamedState {
  readonly host: string;
  readonly state: HostState;
}

/** Names of the hosts on which a rollback has left this release. */
export const hostsWhereBad = (states: readonly NamedState[], release: string): string[] =>
  states
    .filter(({ state }) => state.releases.some(({ name, state }) => name === release && state === 'bad'))
    .map(({ host }) => host);

/** The release that serves; none where `current` points elsewhere, or to nothing. */
export const currentRelease = ({ releases, current }: HostState): ReleaseFacts | undefined =>
  releases.find(({ name }) => name === current);

/** Is good: published by us, or made by another tool, and no rollback has left it. */
export const isGood = (release: ReleaseFacts): boolean => release.state === 'published' || release.state === 'foreign';

const newestOlder = (states: readonly NamedState[]): { release: string } | Refusal => {
  const serving = newestName(states.flatMap(({ state }) => state.current ?? []));
  if (serving === undefined) return { refused: 'no host has a current release: there is nothing to roll back' };
  const older = releaseNames(states).filter((name) => name < serving && hostsWithout(states, name).length === 0);
  const bad = older.filter((name) => hostsWhereBad(states, name).length > 0);
  const release = newestName(older.filter((name) => !bad.includes(name)));
  if (release !== undefined) return { release };
  const way = bad.length === 0 ? '' : ` and is not bad; \`--release\` goes to one that is (${bad.sort().join(', ')})`;
  return { refused: `no release older than ${serving} has been published on all of the hosts${way}; see \`releases\`` };
};

const ifEverywhere = (wanted: string, states: readonly NamedState[]): { release: string } | Refusal => {
  const without = hostsWithout(states, wanted);
  if (without.length === 0) return { release: wanted };
  return { refused: `release ${wanted} has not been published on ${without.join(', ')}; see \`releases\`` };
};

const releaseNames = (states: readonly NamedState[]): string[] => [
  ...new Set(states.flatMap(({ state }) => state.releases.map(({ name }) => name))),
];

/** Names of the hosts on which the release has never served. */
const hostsWithout = (states: readonly NamedState[], wanted: string): string[] =>
  states
    .filter(({ state: { releases, current } }) => {
      const release = releases.find(({ name }) => name === wanted);
      return !release || !(isGood(release) || release.state === 'bad' || release.name === current);
    })
    .map(({ host }) => host);

const newest = (releases: readonly ReleaseFacts[], count: number): ReleaseFacts[] =>
  [...releases].sort((a, b) => (a.name < b.name ? 1 : -1)).slice(0, count);

const oldest = (names: readonly string[]): string => [...names].sort()[0] as string;
const newestName = (names: readonly string[]): string | undefined => [...names].sort().at(-1);
