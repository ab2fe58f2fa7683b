import type { ResolvedSource } from '#artifact/artifact.ts';
import type { Pending } from '#protocol/events.ts';
import type { Served } from '#release/served.ts';

/** What a deploy of the source would bring to hosts that serve the same. A source without revisions has to be packed to have one. */
export const comparePending = async (
  { hosts, revision, serves }: Served,
  source: ResolvedSource,
  pack: () => Promise<{ readonly revision: string }>,
): Promise<Pending> => {
  const to = source.revision ?? (await pack()).revision;
  const known = { hosts, to, label: source.label };
  if (revision === undefined) return { ...known, without: serves ? 'no-revision' : 'nothing-served' };
  const both = { ...known, from: revision };
  if (revision === to) return { ...both, commits: [], dropped: [] };
  if (!source.compare) return { ...both, without: 'no-history' };
  const difference = await source.compare(revision);
  return difference ? { ...both, ...difference } : { ...both, without: 'unknown-revision' };
};
