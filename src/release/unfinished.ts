import type { ReleaseFacts } from '#recipe/host-state.ts';
import { currentRelease, hostsWhereBad, type NamedState, type Refusal } from './retention.ts';

export interface Unfinished {
  /** The release that the last run has brought to some of the hosts. */
  readonly release: string;
  readonly revision: string;
  /** The hosts that do not serve it. */
  readonly hosts: readonly string[];
}

/**
 * What the last run has left to do: the newest release that serves anywhere, and the hosts where it does not. One that a
 * rollback has left on any host is not it: then that rollback was the last run.
 */
export const findUnfinished = (states: readonly NamedState[]): Unfinished | Refusal => {
  const serving = states
    .flatMap(({ state }) => currentRelease(state) ?? [])
    .filter(({ name, state }) => state !== 'failed' && hostsWhereBad(states, name).length === 0);
  const release = serving
    .map(({ name }) => name)
    .sort()
    .at(-1);
  if (release === undefined)
    return { refused: `no host serves a release that could be brought to the others: ${ANEW}` };
  const revision = oneRevision(serving.filter(({ name }) => name === release));
  if (revision === undefined)
    return { refused: `the hosts that serve ${release} have not recorded one revision for it: ${ANEW}` };
  const hosts = states.filter(({ state }) => currentRelease(state)?.name !== release).map(({ host }) => host);
  return { release, revision, hosts };
};

const ANEW = 'deploy without --only-failed';

const oneRevision = (releases: readonly ReleaseFacts[]): string | undefined => {
  const [revision, ...others] = new Set(releases.map((release) => release.revision));
  return others.length === 0 ? revision : undefined;
};
