import type { DeployEvent, ListedRelease } from '#protocol/events.ts';
import { nameHosts } from './host-names.ts';
import { oneLine } from './printable.ts';
import { formatTable } from './table.ts';

/** Collects the releases that hosts list, for one table at the end. */
export const createAnswers = () => {
  const listed = new Map<string, readonly ListedRelease[]>();
  return {
    take(event: DeployEvent): void {
      if (event.type === 'host-releases') listed.set(event.host, event.releases);
    },
    /** The table as lines; none when nothing was listed. */
    table: (layout: { columns: number; color: boolean }): string[] =>
      listed.size === 0 ? [] : formatReleases(listed, layout),
  };
};

/** Host x release, the newest first. Above eight hosts those that hold the same share their rows. */
export const formatReleases = (
  listed: ReadonlyMap<string, readonly ListedRelease[]>,
  { columns, color }: { columns: number; color: boolean },
): string[] => {
  const rows = shareRows(listed).flatMap(({ hosts, releases }) =>
    releases.length === 0
      ? [[hosts, '', '(no releases)']]
      : releases.map((release) => [hosts, ...toCells(release).map(oneLine)]),
  );
  const header = ['host', '', 'release', 'date', 'revision', 'by', 'state'];
  return formatTable(rows, { header, columns, color }).split('\n');
};

const EACH_ITS_OWN = 8;

const shareRows = (listed: ReadonlyMap<string, readonly ListedRelease[]>) => {
  const groups = new Map<string, { hosts: string[]; releases: readonly ListedRelease[] }>();
  for (const [host, unsorted] of listed) {
    const releases = [...unsorted].sort((a, b) => (a.name < b.name ? 1 : -1));
    const key = listed.size <= EACH_ITS_OWN ? host : JSON.stringify(releases);
    const group = groups.get(key);
    if (group) group.hosts.push(host);
    else groups.set(key, { hosts: [host], releases });
  }
  return [...groups.values()].map(({ hosts, releases }) => ({ hosts: nameHosts(hosts), releases }));
};

const toCells = ({ name, current, at, revision, by, state }: ListedRelease): string[] => [
  current ? '*' : '',
  name,
  at === undefined ? '' : at.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d).*$/, '$1 $2'),
  revision === undefined ? '' : revision.slice(0, 12),
  by ?? '',
  current ? servingAs(state) : state,
];

const servingAs = (state: ListedRelease['state']): string =>
  state === 'published' || state === 'foreign' ? 'current' : `current (${state})`;
