import { currentRelease, type NamedState } from './retention.ts';

/** Hosts that serve the same revision. */
export interface Served {
  readonly hosts: readonly string[];
  /** Absent where nothing is recorded about what serves. */
  readonly revision?: string;
  /** Whether anything serves at all. */
  readonly serves: boolean;
}

/** The hosts by what they serve. */
export const groupByRevision = (states: readonly NamedState[]): Served[] => {
  const groups = new Map<string, Served & { hosts: string[] }>();
  for (const { host, state } of states) {
    const revision = currentRelease(state)?.revision;
    const serves = state.current !== undefined;
    const key = `${serves} ${revision ?? ''}`;
    const group = groups.get(key);
    if (group) group.hosts.push(host);
    else groups.set(key, { hosts: [host], serves, ...(revision === undefined ? {} : { revision }) });
  }
  return [...groups.values()];
};
