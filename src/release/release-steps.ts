import { type Command, type Step, script, sh } from '#protocol/shell.ts';
import type { DeploySettings } from '#recipe/settings.ts';
import type { ArtifactFacts } from '#recipe/task-context.ts';
import { releasePaths } from './release-paths.ts';

// What shells write here goes through `cat`, which tells a full disk as such: dash's own printf says "I/O error".

/** Unpacks the verified artifact into the release's directory and records what it is. Capistrano: create_release, set_current_revision. */
export const unpackRelease = (deployTo: string, release: string, artifact: ArtifactFacts, by: string): Command => {
  const paths = releasePaths(deployTo);
  const directory = paths.release(release);
  return script([
    recordStep(deployTo, release, 'building', artifact.revision, by),
    { name: `create ${directory}`, command: ['mkdir', directory] },
    { name: 'unpack the artifact', command: sh`(cd ${directory} && tar -xpof ${paths.incoming(release)})` },
    { name: 'remove the artifact', command: ['rm', '-f', paths.incoming(release)] },
    { name: 'write REVISION', command: sh`echo ${artifact.revision} | cat > ${`${directory}/REVISION`}` },
    { name: 'write REVISION_TIME', command: sh`echo ${artifact.revisionTime} | cat > ${`${directory}/REVISION_TIME`}` },
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
    ...linkedPaths(linked).map((path) => linkStep(deployTo, release, path)),
    recordStep(deployTo, release, 'ready', record.revision, record.by),
  ]);

/** Switches `current` to the release and, for one made by this run, records that it has served. */
export const publishRelease = (deployTo: string, release: string, revision: string | undefined, by: string): Command =>
  script([
    ...switchSteps(deployTo, releasePaths(deployTo).release(release), `release ${release}`),
    ...(revision === undefined ? [] : [recordStep(deployTo, release, 'published', revision, by)]),
  ]);

/**
 * Points `current` to a directory, absolute or relative to `deployTo`, by rename(2). A link named `current` is moved into
 * the root, because `mv` onto an existing link to a directory would move into that directory, and `mv -T` is not POSIX.
 * The link to a release is absolute, as Capistrano's, whose cleanup compares absolute paths; and the directory is touched,
 * because Capistrano's rollback goes by times: what served last has to be the newest there.
 */
const switchSteps = (deployTo: string, target: string, name = target): Step[] => {
  const aside = `${releasePaths(deployTo).own}/switch`;
  return [
    {
      name: `find ${name}`,
      command: sh`(cd ${deployTo} && test -d ${target} && { touch ${target} 2>/dev/null || :; })`,
    },
    {
      name: 'prepare the link',
      command: sh`rm -rf ${aside} && mkdir ${aside} && ln -s ${target} ${`${aside}/current`}`,
    },
    {
      name: `switch current to ${name}`,
      command: sh`mv -f ${`${aside}/current`} ${`${deployTo}/`} && rmdir ${aside}`,
    },
  ];
};

/** Removes releases with their records. */
export const removeReleases = (deployTo: string, names: readonly string[]): Command => {
  const paths = releasePaths(deployTo);
  return script([
    { name: `remove ${names.length} old releases`, command: ['rm', '-rf', ...names.map(paths.release)] },
    {
      name: 'remove their records',
      command: ['rm', '-f', ...names.flatMap((name) => [paths.state(name), paths.incoming(name)])],
    },
  ]);
};

/** Appends one line to revisions.log. */
export const logRevision = (deployTo: string, line: string): Command =>
  script([{ name: 'write revisions.log', command: sh`printf '%s\n' ${line} | cat >> ${releasePaths(deployTo).log}` }]);

/**
 * Undoes an unfinished deploy: where `current` already points to the release it goes back to `previous`, the link as it
 * was, which need not have been one to a release. Then the release and everything that belongs to it is removed. Prints
 * `reverted` or `untouched`; safe to run at any point of a deploy.
 */
export const undoRelease = (
  deployTo: string,
  release: string,
  previous: string | undefined,
  keep: boolean,
): Command => {
  const paths = releasePaths(deployTo);
  const back = previous === undefined ? sh`rm -f ${paths.current}` : script(switchSteps(deployTo, previous));
  const remove = keep ? sh`:` : removeReleases(deployTo, [release]);
  return sh`
case $(readlink ${paths.current} 2>/dev/null) in
  ${previous ?? ''}) echo untouched;;
  */releases/${release}|releases/${release}) { ${back}
  } && echo reverted;;
  *) echo untouched;;
esac || exit 1
rm -rf ${`${paths.own}/switch`} ${paths.incoming(release)} ${`${paths.state(release)}.new`} ${`${paths.own}/peer`}/*.part
${remove}`;
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

const linkStep = (deployTo: string, release: string, path: string): Step => {
  const paths = releasePaths(deployTo);
  const link = `${paths.release(release)}/${path}`;
  const parent = link.slice(0, link.lastIndexOf('/'));
  return {
    name: `link ${path} to shared`,
    command: sh`mkdir -p ${parent} && rm -rf ${link} && ln -s ${`${paths.shared}/${path}`} ${link}`,
  };
};

/** The record is replaced as a whole, so that a full disk or a cut connection never leaves half a line. */
const recordStep = (deployTo: string, release: string, state: string, revision: string, by: string): Step => {
  const file = releasePaths(deployTo).state(release);
  return {
    name: `record the release as ${state}`,
    command: sh`printf '%s\t%s\t%s\t%s\n' ${state} ${revision} ${by} "$(date -u +%Y-%m-%dT%H:%M:%SZ)" | cat > ${`${file}.new`} && mv -f ${`${file}.new`} ${file}`,
  };
};
