import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/** Where clones of a repository are on this machine. */
export interface Clones {
  /** Git's own directories: `.git`, or `.git/modules/<name>`. */
  readonly gitDirs: readonly string[];
  /** Where it is checked out, if it is. */
  readonly worktree?: string;
}

/** Clones of a submodule that the user has, in a repository that is cloned as said: what they hold does not have to be fetched, nor pushed before. */
export const findClones = async (
  { gitDirs, worktree }: Clones,
  name: string | undefined,
  path: string,
): Promise<Clones> => {
  const below = worktree === undefined ? undefined : join(worktree, path);
  const checkedOut = below === undefined ? undefined : await followGitFile(join(below, '.git'));
  const possible = [
    ...(name === undefined ? [] : gitDirs.map((dir) => join(dir, 'modules', name))),
    ...(checkedOut === undefined ? [] : [checkedOut]),
  ];
  const there = await Promise.all(possible.map((dir) => isDirectory(objectsOf(dir))));
  return {
    gitDirs: [...new Set(possible.filter((_, index) => there[index]))],
    ...(below === undefined ? {} : { worktree: below }),
  };
};

/** The directory with a clone's objects. */
export const objectsOf = (gitDir: string): string => join(gitDir, 'objects');

/** `.git` is a directory, or a file that tells where it is. */
const followGitFile = async (path: string): Promise<string | undefined> => {
  if (await isDirectory(path)) return path;
  const told = /^gitdir: (.*?)\n?$/s.exec(await readFile(path, 'utf8').catch(() => ''))?.[1];
  return told === undefined ? undefined : resolve(path, '..', told);
};

const isDirectory = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
