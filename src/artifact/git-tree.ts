import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Entry, Workplace } from './artifact.ts';
import { git, gitArchive } from './git.ts';
import { IGNORE_FILE, type Ignore, ignoreRules } from './ignore-rules.ts';
import { readIgnoreFile } from './read-ignore-file.ts';
import { readTar } from './read-tar.ts';
import type { Submodule } from './submodules.ts';
import { walkDirectory } from './walk-directory.ts';

/** What a commit deploys: its tree, or one directory of it, and the trees of its submodules in their places. */
export interface Tree {
  /** A repository on this machine that has the commit. */
  readonly repository: string;
  readonly sha: string;
  readonly directory?: string;
  /** Parents first. */
  readonly submodules: readonly Submodule[];
}

/** `git archive` of the commit, not of the directory's tree: it knows the attributes of the whole and the commit's time. */
export const archivedTree = async function* (tree: Tree, ignored: Ignore, signal: AbortSignal): AsyncGenerator<Entry> {
  for await (const entry of allEntries(tree, signal)) {
    if (!ignored(entry.name, entry.type === 'directory')) yield entry;
  }
};

const allEntries = async function* (tree: Tree, signal: AbortSignal): AsyncGenerator<Entry> {
  const inside = tree.directory === undefined ? '' : `${tree.directory}/`;
  for await (const entry of archivedEntries(tree, signal)) {
    if (entry.name.startsWith(inside)) yield { ...entry, name: entry.name.slice(inside.length) };
  }
  for (const submodule of tree.submodules) {
    const within = (path: string) => `${submodule.name}/${path}`;
    for await (const entry of archivedEntries(submodule, signal)) {
      const target = entry.type === 'link' && entry.linkname !== undefined ? { linkname: within(entry.linkname) } : {};
      yield { ...entry, ...target, name: within(entry.name) };
    }
  }
};

const archivedEntries = async function* (
  { repository, sha, directory }: Omit<Tree, 'submodules'>,
  signal: AbortSignal,
): AsyncGenerator<Entry> {
  const archive = await gitArchive(repository, sha, directory === undefined ? [] : [directory], signal);
  yield* readTar(archive.stream, `commit ${sha}`);
  await archive.end;
};

/** What .deployignore of the commit keeps at home, if it is `listed` there. */
export const ignoredIn = async (
  { repository, sha, directory }: Omit<Tree, 'submodules'>,
  listed: readonly string[],
  signal: AbortSignal,
): Promise<Ignore> => {
  const file = directory === undefined ? IGNORE_FILE : `${directory}/${IGNORE_FILE}`;
  if (!listed.some((line) => line.endsWith(`\t${file}`))) return ignoreRules(undefined);
  const rules = await git(['-C', repository, 'show', `${sha}:${file}`], signal);
  return ignoreRules(rules.ok ? rules.stdout : undefined);
};

/** Unpacks the commit, runs the build steps there, and packs what they left: what is built is what was committed. */
export const builtTree = async function* (tree: Tree, work: Workplace): AsyncGenerator<Entry> {
  const checkout = join(work.directory, 'checkout');
  await unpack(tree, checkout, work.signal);
  for (const submodule of tree.submodules) await unpack(submodule, join(checkout, submodule.name), work.signal);
  for (const command of work.build) await work.runLocal(command, checkout);
  yield* walkDirectory(checkout, ignoreRules(await readIgnoreFile(checkout)));
};

const unpack = async (
  { repository, sha, directory }: Omit<Tree, 'submodules'>,
  into: string,
  signal: AbortSignal,
): Promise<void> => {
  await mkdir(into, { recursive: true });
  const { execa } = await import('execa');
  const archive = await gitArchive(repository, sha, directory === undefined ? [] : [directory], signal);
  const strip = directory === undefined ? 0 : directory.split('/').length;
  await Promise.all([
    execa('tar', ['-xpf', '-', `--strip-components=${strip}`, '-C', into], {
      input: archive.stream as never,
      cancelSignal: signal,
    }),
    archive.end,
  ]);
};
