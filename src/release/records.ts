import { type Command, type Step, sh } from '#protocol/shell.ts';
import type { HostState, ReleaseFacts } from '#recipe/host-state.ts';
import { ensure, store } from './host-files.ts';
import { releasePaths } from './release-paths.ts';

/**
 * What is known of a release is one line in `.rookery/releases/<name>`: state, revision, who, when, separated by tabs. It
 * changes in the same command as what it tells of, so that a deployer that dies leaves no record that is wrong.
 */

/** Writes a record, as a whole: a full disk or a cut connection never leaves half a line. Without `at` it is now, by the host's clock. */
export const recordStep = (deployTo: string, { name, state, revision = '', by = '', at }: ReleaseFacts): Step => {
  const file = releasePaths(deployTo).state(name);
  if (state === 'foreign') return { name: `remove the record of ${name}`, command: ['rm', '-f', file] };
  const when = at === undefined ? sh`"$(date -u +%Y-%m-%dT%H:%M:%SZ)"` : sh`${at}`;
  return {
    name: `record the release as ${state}`,
    command: sh`${store(sh`printf '%s\t%s\t%s\t%s\n' ${state} ${revision} ${by} ${when}`, `${file}.new`)} && mv -f ${`${file}.new`} ${file}`,
  };
};

/**
 * Writes the record of a release that is not published yet, without the time, which its name tells, and in place: where that
 * is cut short there is less of a line or none, which counts as unfinished, and so it is.
 */
export const noteStep = (
  deployTo: string,
  { name, state, revision, by }: { name: string; state: 'building' | 'ready'; revision: string; by: string },
): Step => ({
  name: `record the release as ${state}`,
  command: store(sh`printf '%s\t%s\t%s\n' ${state} ${revision} ${by}`, releasePaths(deployTo).state(name)),
});

/** Writes several, also on a host that we never deployed to. */
export const recordSteps = (deployTo: string, records: readonly ReleaseFacts[]): Step[] =>
  records.length === 0
    ? []
    : [
        { name: 'create the directory of records', command: ensure([`${releasePaths(deployTo).own}/releases`]) },
        ...records.map((record) => recordStep(deployTo, record)),
      ];

/**
 * What a deploy records where it publishes: the release, and that those of another tool that are newer than what serves
 * have failed. Either they never served or they were left, so they are neither to be returned to nor to be kept.
 */
export const recordsOfDeploy = (
  { releases, current }: HostState,
  release: Omit<ReleaseFacts, 'state'>,
): ReleaseFacts[] => {
  const serving = releases.find(({ name }) => name === current);
  const passedOver = releases.filter(({ name, state }) => state === 'foreign' && serving && name > serving.name);
  return [...passedOver.map((other) => changed(other, 'failed')), { ...release, state: 'published' }];
};

/** What a rollback records: the newer release that it leaves is bad, and the one that it returns to is so no longer. */
export const recordsOfRollback = ({ releases, current }: HostState, target: string): ReleaseFacts[] => [
  ...releases.filter(({ name }) => name === current && name > target).map((left) => changed(left, 'bad')),
  ...releases
    .filter(({ name, state }) => name === target && state !== 'published' && state !== 'foreign')
    .map((returned) => changed(returned, 'published')),
];

/** A host once `current` points to the release and these records are written. */
export const asPublished = (before: HostState, release: string, records: readonly ReleaseFacts[]): HostState => {
  const others = before.releases.filter(({ name }) => !records.some((record) => record.name === name));
  const releases = [...others, ...records].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { ...before, current: release, releases };
};

/** The records as they were before a rollback changed them. */
export const recordsBefore = (before: HostState, target: string): ReleaseFacts[] => {
  const names = recordsOfRollback(before, target).map(({ name }) => name);
  return before.releases.filter(({ name }) => names.includes(name)).map((release) => changed(release, release.state));
};

/**
 * Shell text that marks a release as failed before it is removed, for what is removed in part is no release to return
 * to. It needs no space on the disk: where there is none the record becomes empty, which counts as unfinished.
 */
export const markFailed = (directory: Command, record: Command): Command => sh`if [ -d ${directory} ]; then
    l=; { IFS= read -r l < ${record}; } 2>/dev/null
    case $l in *[!a-z]*) l=\${l#*[!a-z]};; *) l=;; esac
    { printf 'failed\t%s\n' "$l" > ${record}; } 2>/dev/null
  fi`;

const changed = (release: ReleaseFacts, state: ReleaseFacts['state']): ReleaseFacts => ({
  ...release,
  state,
  at: release.at ?? '', // not known, which is not now
});
