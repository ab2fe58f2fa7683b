import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { GitSource } from '#config/written-config.ts';
import { UserError } from '#recipe/user-error.ts';
import type { ResolvedSource } from './artifact.ts';
import { git, isRemoteRepository } from './git.ts';
import { compareCommits } from './git-history.ts';
import { originOf } from './git-origin.ts';
import { archivedTree, builtTree, ignoredIn, type Tree } from './git-tree.ts';
import { gitlinksIn, listTree } from './gitlinks.ts';
import type { Ignore } from './ignore-rules.ts';
import { makeScratchRepository } from './scratch-repository.ts';
import { listSubmodules, resolveSubmodules, type Submodule } from './submodules.ts';

interface Commit {
  /** A repository on this machine that has the commit. */
  readonly repository: string;
  readonly sha: string;
  readonly time: number;
}

export interface GitRequest {
  /** With a repository, as a URL or an absolute path. */
  readonly source: GitSource & { readonly repository: string };
  readonly build: readonly string[];
  readonly scratch: string;
  readonly signal: AbortSignal;
}

/**
 * Resolves the ref to one commit, once: that commit is what every host gets and records. (Capistrano lets each host
 * resolve the branch, and a push in between gives hosts different code under one recorded revision.)
 * @throws UserError when it is no repository, or has no such ref
 */
export const resolveGit = async (request: GitRequest): Promise<ResolvedSource> => {
  const { source, scratch, signal } = request;
  const { repository, ref = 'HEAD' } = source;
  const commit = isRemoteRepository(repository)
    ? await fetchCommit(repository, ref, scratch, signal)
    : await localCommit(repository, ref, signal);
  const directory = await findDirectory(commit, source.directory, signal);
  const tree = { ...commit, ...(directory === undefined ? {} : { directory }) };
  const inside = once(() => lookInside(tree, request));
  return {
    label: `Branch ${ref}`,
    revision: commit.sha,
    revisionTime: commit.time,
    prepare: async () => (await inside()).remarks,
    entries: async function* (work) {
      const { submodules, ignored } = await inside();
      const whole = { ...tree, submodules };
      yield* work.build.length > 0 ? builtTree(whole, work) : archivedTree(whole, ignored, work.signal);
    },
    compare: (deployed) => compareCommits({ ...commit, repository, ref, scratch, signal }, deployed),
  };
};

const localCommit = async (path: string, ref: string, signal: AbortSignal): Promise<Commit> => {
  const [where, found] = await Promise.all([
    git(['-C', path, 'rev-parse', '--is-inside-work-tree', '--absolute-git-dir', '--show-cdup'], signal),
    findCommit(path, ref, signal),
  ]);
  if (!where.ok) throw new UserError(`${path} is not a git repository; use dir('.') to deploy it as it is`, 2);
  const [isInWorkTree, gitDir = '', up = ''] = where.stdout.split('\n');
  const repository = isInWorkTree === 'true' ? resolve(await realpath(path), up) : gitDir;
  if (!found) throw new UserError(`there is no ref '${ref}' in ${repository}${await knownRefs(repository, signal)}`, 2);
  return { repository, ...found };
};

/** Fetches one commit, without history, into a repository of our own. */
const fetchCommit = async (url: string, ref: string, scratch: string, signal: AbortSignal): Promise<Commit> => {
  const repository = await makeScratchRepository({ scratch, url, signal });
  const fetched = await git(
    ['-C', repository, 'fetch', '--quiet', '--depth=1', '--no-tags', '--', 'origin', ref],
    signal,
  );
  if (!fetched.ok) throw new UserError(`cannot fetch '${ref}' from ${url}:\n${fetched.stderr.trim()}`, 2);
  const found = await findCommit(repository, 'FETCH_HEAD', signal);
  if (!found) throw new UserError(`'${ref}' of ${url} is no commit`, 2);
  return { repository, ...found };
};

interface Inside {
  /** All that will be packed. */
  readonly submodules: readonly Submodule[];
  /** What is left out, and why. */
  readonly remarks: readonly string[];
  /** What .deployignore keeps at home. */
  readonly ignored: Ignore;
}

const lookInside = async (tree: Omit<Tree, 'submodules'>, request: GitRequest): Promise<Inside> => {
  const listed = await listTree(tree, tree.directory, request.signal);
  const ignored = await ignoredIn(tree, listed, request.signal);
  const links = await gitlinksIn(listed, tree, request.signal);
  const found = links.length === 0 ? NO_SUBMODULES : await findSubmodules(tree, ignored, request);
  return { ...found, ignored };
};

const NO_SUBMODULES = { submodules: [], remarks: [] };

/** What .deployignore names may still be needed by a build. */
const findSubmodules = async (
  tree: Omit<Tree, 'submodules'>,
  kept: Ignore,
  request: GitRequest,
): Promise<Omit<Inside, 'ignored'>> => {
  const { source, build, scratch, signal } = request;
  const ignored = build.length > 0 ? () => false : kept;
  if (source.submodules === false) {
    const names = (await listSubmodules(tree, { ignored, signal })).map(({ name }) => name);
    const remark = `submodules: false leaves empty directories: ${names.join(', ')}`;
    return { submodules: [], remarks: names.length > 0 ? [remark] : [] };
  }
  const remarks: string[] = [];
  const leftOut = (name: string, why: string) => void remarks.push(`the submodule ${name} is left empty: ${why}`);
  const project = { ...tree, ...(await originOf(tree.repository, source.repository, signal)) };
  return { submodules: await resolveSubmodules(project, { scratch, ignored, leftOut, signal }), remarks };
};

/** The directory's name as git writes it. */
const findDirectory = async ({ repository, sha }: Commit, written: string | undefined, signal: AbortSignal) => {
  const directory = (written ?? '')
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
  if (directory === '') return undefined;
  const type = await git(['-C', repository, 'cat-file', '-t', `${sha}:${directory}`], signal);
  if (type.stdout === 'tree') return directory;
  const entry = await git(['-C', repository, '--literal-pathspecs', 'ls-tree', sha, '--', directory], signal);
  const what = `'${directory}' in commit ${sha} of ${repository}`;
  if (!entry.stdout.startsWith('160000 ')) throw new UserError(`there is no directory ${what}`, 2);
  throw new UserError(`${what} is a submodule: name its own repository in git({ repository })`, 2);
};

/** The commit that a ref stands for, with its time in seconds since 1970. */
const findCommit = async (repository: string, ref: string, signal: AbortSignal) => {
  const which = ['--timestamp', '--max-count=1', '--end-of-options', `${ref}^{commit}`, '--'];
  const { ok, stdout } = await git(['-C', repository, 'rev-list', ...which], signal);
  const [time, sha] = stdout.split(' ');
  return ok && sha !== undefined ? { sha, time: Number(time) } : undefined;
};

const knownRefs = async (repository: string, signal: AbortSignal): Promise<string> => {
  const refs = await git(
    ['-C', repository, 'for-each-ref', '--count=12', '--sort=-committerdate', '--format=%(refname:short)'],
    signal,
  );
  return refs.ok && refs.stdout !== ''
    ? `; there are: ${refs.stdout.split('\n').join(', ')}`
    : ' (it has no commit yet)';
};

const once = <T>(work: () => Promise<T>): (() => Promise<T>) => {
  let result: Promise<T> | undefined;
  return () => {
    result ??= work();
    return result;
  };
};
