import type { Commit, Pending } from '#protocol/events.ts';
import { nameHosts } from './host-names.ts';
import { oneLine } from './printable.ts';
import { plural } from './units.ts';

/** What a deploy would bring to hosts that serve the same, a headline and a line for each commit. */
export const pendingLines = (pending: Pending): string[] => {
  const { commits = [], dropped = [] } = pending;
  return [
    `${nameHosts(pending.hosts)}: ${oneLine(headline(pending))}`,
    ...commits.map((commit) => `  + ${oneCommit(commit)}`),
    ...dropped.map((commit) => `  - ${oneCommit(commit)}`),
  ];
};

const headline = ({ from = '', to, label, commits = [], dropped = [], without }: Pending): string => {
  const target = `${label} (${short(to)})`;
  switch (without) {
    case 'nothing-served':
      return `nothing is served yet; a deploy would bring ${target}`;
    case 'no-revision':
      return `the revision that is served is not recorded; a deploy would bring ${target}`;
    case 'unknown-revision':
      return `${from} is served, which the repository does not know (not fetched, or a shallow clone?); a deploy would bring ${target}`;
    case 'no-history':
      return `${short(from)} is served; a deploy would bring ${target}. This source has no commits to show`;
    default:
  }
  if (from === to) return `${target} is served: nothing is pending`;
  const brings = commits.length > 0 || dropped.length === 0 ? [`bring ${plural(commits.length, 'commit')}`] : [];
  const drops = dropped.length > 0 ? [`take ${plural(dropped.length, 'commit')} away`] : [];
  return `${short(from)} is served; ${target} would ${[...brings, ...drops].join(' and ')}`;
};

const oneCommit = ({ revision, subject }: Commit): string => oneLine(`${short(revision)} ${subject}`);

const short = (revision: string): string => revision.slice(0, 7);
