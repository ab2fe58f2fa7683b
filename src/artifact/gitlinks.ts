import { git, gitArchive } from './git.ts';
import { readTar } from './read-tar.ts';

/** A place in a commit where another repository belongs, and which commit of it. */
export interface Gitlink {
  /** From the root of the repository. */
  readonly path: string;
  /** What is recorded: 40 or 64 hex digits. */
  readonly sha: string;
}

/** What .gitmodules, or the configuration of a clone, tells of a submodule. */
export interface Module {
  readonly name: string;
  readonly path?: string;
  readonly url?: string;
  /** `none`: `git submodule update` leaves it alone. */
  readonly update?: string;
}

/** What `git ls-tree` tells of all that a commit, or one directory of it, holds: `<mode> <type> <hash>\t<path>`. */
export const listTree = async (
  { repository, sha }: { readonly repository: string; readonly sha: string },
  directory: string | undefined,
  signal: AbortSignal,
): Promise<string[]> => {
  const inside = directory === undefined ? [] : ['--', directory];
  const which = ['--literal-pathspecs', 'ls-tree', '-r', '-z', '--full-tree', sha, ...inside];
  return (await git(['-C', repository, ...which], signal)).stdout.split('\0');
};

/** The submodules in such a list, without those that `git archive` leaves out (`export-ignore`). */
export const gitlinksIn = async (
  listed: readonly string[],
  { repository, sha }: { readonly repository: string; readonly sha: string },
  signal: AbortSignal,
): Promise<Gitlink[]> => {
  const links = listed.flatMap((line) => {
    const [, commit, path] = /^160000 commit ([\da-f]+)\t(.*)$/s.exec(line) ?? [];
    return commit === undefined || path === undefined ? [] : [{ path, sha: commit }];
  });
  if (links.length === 0) return [];
  const packed = await archivedDirectories(repository, sha, links, signal);
  return links.filter(({ path }) => packed.has(path));
};

/** Git archives a submodule as an empty directory. */
const archivedDirectories = async (
  repository: string,
  sha: string,
  links: readonly Gitlink[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> => {
  const archive = await gitArchive(
    repository,
    sha,
    links.map(({ path }) => path),
    signal,
  );
  const names = new Set<string>();
  for await (const { name } of readTar(archive.stream, `commit ${sha}`)) names.add(name);
  await archive.end;
  return names;
};

/** The submodules that .gitmodules of a commit names. Names that could lead out of a directory are left out, as git does. */
export const readGitmodules = async (
  { repository, sha }: { readonly repository: string; readonly sha: string },
  signal: AbortSignal,
): Promise<Module[]> => modulesIn(await git(['-C', repository, ...read('--blob', `${sha}:.gitmodules`)], signal));

/** What `git submodule init` or the user have written into the configuration of a clone. */
export const readModuleConfig = async (file: string, signal: AbortSignal): Promise<Module[]> =>
  modulesIn(await git(read('--file', file), signal));

const read = (...where: string[]) => ['config', ...where, '-z', '--get-regexp', '^submodule\\..*\\.(path|url|update)$'];

const modulesIn = ({ stdout }: { readonly stdout: string }): Module[] => {
  const modules = new Map<string, Module>();
  for (const entry of stdout.split('\0')) {
    const [, name, key, value] = /^submodule\.(.*)\.(path|url|update)\n(.*)$/s.exec(entry) ?? [];
    if (name === undefined || key === undefined || name.split(/[/\\]/).includes('..')) continue;
    modules.set(name, { ...modules.get(name), name, [key]: value });
  }
  return [...modules.values()];
};
