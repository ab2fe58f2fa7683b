import type { HostState, ReleaseFacts } from '#recipe/host-state.ts';

/**
 * The releases to remove: all but the newest `keep` that have been published, never the current one; releases that
 * were never finished do not count and go. (Capistrano counts failed ones and deletes good ones for them: #1907, #2120.)
 */
export const expiredReleases = (
  releases: readonly ReleaseFacts[],
  current: string | undefined,
  keep: number,
): string[] => {
  const served = releases.filter((release) => hasServed(release) || release.name === current);
  const kept = new Set(newest(served, keep).map((release) => release.name));
  const currentKept = current === undefined || kept.has(current);
  if (!currentKept && kept.size >= keep) kept.delete(oldest([...kept]));
  return releases.map((release) => release.name).filter((name) => name !== current && !kept.has(name));
};

/**
 * The release that a rollback returns to: the newest that has served on every host and is older than the newest
 * current one; or the wanted one, if every host has it. Otherwise a sentence that says why not.
 */
export const rollbackTarget = (
  states: readonly { readonly host: string; readonly state: HostState }[],
  wanted?: string,
): { release: string } | { refused: string } => {
  const common = commonReleases(states.map(({ state }) => state));
  if (wanted !== undefined) return common.includes(wanted) ? { release: wanted } : { refused: missing(wanted, states) };
  const currents = states.flatMap(({ state }) => state.current ?? []);
  if (currents.length === 0) return { refused: 'no host has a current release: there is nothing to roll back' };
  const release = common.filter((name) => name < newestName(currents)).pop();
  if (release !== undefined) return { release };
  return {
    refused: `no release older than ${newestName(currents)} has been published on all of the hosts; see \`releases\``,
  };
};

/** Has served: published by us, or made by another tool. */
export const hasServed = (release: ReleaseFacts): boolean =>
  release.state === 'published' || release.state === 'foreign';

const commonReleases = (states: readonly HostState[]): string[] => {
  const served = ({ releases, current }: HostState) =>
    releases.filter((release) => hasServed(release) || release.name === current);
  const [first, ...others] = states.map((state) => served(state).map((release) => release.name));
  return (first ?? []).filter((name) => others.every((names) => names.includes(name))).sort();
};

const missing = (wanted: string, states: readonly { host: string; state: HostState }[]): string => {
  const without = states.filter(({ state }) => !commonReleases([state]).includes(wanted)).map(({ host }) => host);
  return `release ${wanted} has not been published on ${without.join(', ')}; see \`releases\``;
};

const newest = (releases: readonly ReleaseFacts[], count: number): ReleaseFacts[] =>
  [...releases].sort((a, b) => (a.name < b.name ? 1 : -1)).slice(0, count);

const oldest = (names: readonly string[]): string => [...names].sort()[0] as string;
const newestName = (names: readonly string[]): string => [...names].sort().at(-1) as string;
