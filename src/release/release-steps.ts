import { type Command, type Step, script, sh } from '#protocol/shell.ts';
import type { HostState, ReleaseFacts } from '#recipe/host-state.ts';
import type { DeploySettings } from '#recipe/settings.ts';
import type { ArtifactFacts } from '#recipe/task-context.ts';
import { append, clear, ensure, store } from './host-files.ts';
import { markFailed, noteStep, recordSteps, recordsBefore } from './records.ts';
import { releasePaths } from './release-paths.ts';

/**
 * Unpacks the verified artifact into the release's directory and records what it is. What is there already is kept and
 * refused, unless it shall be replaced. Capistrano: create_release, set_current_revision.
 */
export const unpackRelease = (
  deployTo: string,
  release: string,
  artifact: ArtifactFacts,
  { by, replace = false }: { readonly by: string; readonly replace?: boolean },
): Command => {
  const paths = releasePaths(deployTo);
  const directory = paths.release(release);
  return script([
    noteStep(deployTo, { name: release, state: 'building', revision: artifact.revision, by }),
    ...(replace ? [{ name: `remove what is left of ${directory}`, command: ['rm', '-rf', directory] }] : []),
    { name: `create ${directory}`, command: ['mkdir', directory] },
    { name: 'unpack the artifact', command: sh`(cd ${directory} && tar -xpof ${paths.incoming(release)})` },
    { name: 'remove the artifact', command: ['rm', '-f', paths.incoming(release)] },
    { name: 'write REVISION', command: store(sh`echo ${artifact.revision}`, `${directory}/REVISION`) },
    { name: 'write REVISION_TIME', command: store(sh`echo ${artifact.revisionTime}`, `${directory}/REVISION_TIME`) },
  ]);
};

/** Links the shared files and directories into the release. Capistrano: symlink:linked_files, symlink:linked_dirs. */
export const linkShared = (
  deployTo: string,
  release: string,
  linked: Pick<DeploySettings, 'linkedFiles' | 'linkedDirs'>,
  record: { revision: string; by: string },
): Command =>
  script([
    ...byParent(linkedPaths(linked)).map((paths) => linkStep(deployTo, release, paths)),
    noteStep(deployTo, { name: release, state: 'ready', ...record }),
  ]);

/** Switches `current` to the release and records what that changes: see `recordsOfDeploy` and `recordsOfRollback`. */
export const publishRelease = (deployTo: string, release: string, records: readonly ReleaseFacts[]): Command =>
  script([
    ...switchSteps(deployTo, releasePaths(deployTo).release(release), `release ${release}`),
    ...recordSteps(deployTo, records),
  ]);

/**
 * Points `current` to a directory, absolute or relative to `deployTo`, by rename(2). A link named `current` is moved from
 * our directory into the root, because `mv` onto an existing link to a directory would move into that directory, and `mv -T` is not POSIX.
 * The link to a release is absolute, as Capistrano's, whose cleanup compares absolute paths; and the directory is touched,
 * because Capistrano's rollback goes by times: what served last has to be the newest there.
 */
const switchSteps = (deployTo: string, target: string, name = target): Step[] => {
  const aside = asideOf(deployTo);
  const find = sh`test -d ${target} && { touch ${target} 2>/dev/null || :; }`;
  return [
    { name: `find ${name}`, command: target.startsWith('/') ? find : sh`(cd ${deployTo} && ${find})` },
    { name: 'prepare the link', command: sh`${clear(aside)} && ln -s ${target} ${aside}` },
    { name: `switch current to ${name}`, command: ['mv', '-f', aside, `${deployTo}/`] },
  ];
};

/** The link before it is `current`. */
const asideOf = (deployTo: string): string => `${releasePaths(deployTo).own}/current`;

/** Removes releases with their records, with two programs for any number of them. One that cannot be removed stays, marked as failed, and does not keep the others. */
export const removeReleases = (deployTo: string, names: readonly string[]): Command => {
  const { releases, own } = releasePaths(deployTo);
  const remove = sh`s=0 r=''
for n in ${names}; do
  ${markFailed(sh`${releases}/$n`, sh`${own}/releases/$n`)}
done
[ ! -d ${deployTo} ] || (cd ${deployTo} && rm -rf ${names.map((name) => `releases/${name}`)}) || s=1
for n in ${names}; do
  [ ! -e ${releases}/$n ] || continue
  r="$r .rookery/releases/$n .rookery/releases/$n.new .rookery/incoming/$n.tar"
done
[ -z "$r" ] || (cd ${deployTo} 2>/dev/null && rm -f $r)
[ $s = 0 ]`;
  return script([{ name: `remove ${names.length} old releases`, command: remove }]);
};

/** Appends one line to revisions.log. */
export const logRevision = (deployTo: string, line: string): Command =>
  script([{ name: 'write revisions.log', command: append(sh`printf '%s\n' ${line}`, releasePaths(deployTo).log) }]);

/**
 * Undoes an unfinished deploy: where `current` already points to the release it goes back to `previous`, the link as it
 * was, which need not have been one to a release. Then the release and everything that belongs to it is removed, but
 * never what `current` points to. Prints `reverted` or `untouched`; safe to run at any point of a deploy.
 */
export const undoRelease = (deployTo: string, release: string, previous: string | undefined): Command => {
  const paths = releasePaths(deployTo);
  return sh`${switchBack(deployTo, release, previous, [])}
rm -rf ${paths.incoming(release)} ${`${paths.state(release)}.new`} ${`${paths.own}/peer`}/*.part
case $(readlink ${paths.current} 2>/dev/null) in
  */releases/${release}|releases/${release}) ;;
  *) ${removeReleases(deployTo, [release])};;
esac`;
};

/** Undoes an unfinished rollback: what served `before` is current again, and the records say what they said. Prints the same. */
export const undoRollback = (deployTo: string, release: string, before: HostState): Command =>
  switchBack(deployTo, release, before.link, recordsBefore(before, release));

const switchBack = (
  deployTo: string,
  release: string,
  previous: string | undefined,
  records: readonly ReleaseFacts[],
): Command => {
  const paths = releasePaths(deployTo);
  const noCurrent: Step = { name: 'remove current', command: ['rm', '-f', paths.current] };
  const back = previous === undefined ? [noCurrent] : switchSteps(deployTo, previous);
  return sh`
case $(readlink ${paths.current} 2>/dev/null) in
  ${previous ?? ''}) echo untouched;;
  */releases/${release}|releases/${release}) { ${script([...back, ...recordSteps(deployTo, records)])}
  } && echo reverted;;
  *) echo untouched;;
esac || exit 1
${clear(asideOf(deployTo))}`;
};

/** What lies in a linked directory comes with it: a link of its own would replace the shared file itself. */
const linkedPaths = ({ linkedFiles, linkedDirs }: Pick<DeploySettings, 'linkedFiles' | 'linkedDirs'>): string[] => {
  const plain = (path: string) =>
    path
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .join('/');
  const paths = [...new Set([...linkedDirs, ...linkedFiles].map(plain))];
  return paths.filter((path) => !paths.some((other) => path.startsWith(`${other}/`)));
};

/** Those that lie in one directory: one `ln` makes the links of them all. */
const byParent = (paths: readonly string[]): string[][] => {
  const groups = new Map<string, string[]>();
  for (const path of paths) groups.set(parentOf(path), [...(groups.get(parentOf(path)) ?? []), path]);
  return [...groups.values()];
};

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

const linkStep = (deployTo: string, release: string, paths: readonly string[]): Step => {
  const { shared, release: place } = releasePaths(deployTo);
  const parent = `${place(release)}/${parentOf(paths[0] as string)}`.replace(/\/$/, '');
  const cleared = paths.map((path) => clear(`${place(release)}/${path}`).text).join(' && ');
  const targets = paths.map((path) => `${shared}/${path}`);
  return {
    name: `link ${paths.join(', ')} to shared`,
    command: sh`{ ${ensure([parent])}; } && ${{ kind: 'shell', text: cleared }} && ln -s ${targets} ${`${parent}/`}`,
  };
};
