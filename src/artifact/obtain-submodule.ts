import { UserError } from '#recipe/user-error.ts';
import { git } from './git.ts';
import { type Clones, objectsOf } from './local-clones.ts';
import { makeScratchRepository } from './scratch-repository.ts';

export interface SubmoduleOrder {
  /** Where it lies in the release. */
  readonly name: string;
  readonly sha: string;
  readonly url: string | undefined;
  /** Clones of it that the user has. */
  readonly clones: Clones;
  readonly scratch: string;
  readonly signal: AbortSignal;
}

/**
 * A repository with the commit and all its files: from the user's own clones, or fetched with the user's credentials.
 * @throws UserError, exit code 2, where there is no such commit to be had
 */
export const obtainSubmodule = async (order: SubmoduleOrder): Promise<string> => {
  const { name, sha, url, clones, scratch, signal } = order;
  const make = (objects: readonly string[]) =>
    makeScratchRepository({ scratch, objects, signal, ...(url === undefined ? {} : { url }) });
  const own = clones.gitDirs.length > 0 ? await make(clones.gitDirs.map(objectsOf)) : undefined;
  if (own !== undefined && (await hasAllOf(own, sha, signal))) return own;
  if (url === undefined) throw new UserError(withoutUrl(name), 2);
  const repository = await make([]); // what a partial clone has half, git would not fetch
  const fetched = await fetchCommit(repository, sha, signal);
  if (!fetched.ok) throw new UserError(notFetched(name, sha, url, fetched.stderr), 2);
  if (!(await hasAllOf(repository, sha, signal))) throw new UserError(notThere(name, sha, url), 2);
  return repository;
};

/** Also the files: a partial clone has the commit without them. */
const hasAllOf = async (repository: string, sha: string, signal: AbortSignal): Promise<boolean> =>
  (await git(['-C', repository, 'rev-list', '--objects', '--no-walk', '--quiet', sha], signal)).ok;

/** The commit alone; and all branches and tags from a server that hands out nothing but their tips. */
const fetchCommit = async (repository: string, sha: string, signal: AbortSignal) => {
  const fetch = ['-C', repository, 'fetch', '--quiet'];
  const alone = await git([...fetch, '--no-tags', '--depth=1', 'origin', sha], signal, FROM_A_COMMIT);
  if (alone.ok || !UNWILLING.test(alone.stderr)) return alone;
  return git([...fetch, '--tags', 'origin', '+refs/heads/*:refs/heads/*'], signal, FROM_A_COMMIT);
};

const UNWILLING = /unadvertised object|not our ref|shallow capabilities|does not support/;

/** The URL came with a commit, not from the user: git then refuses paths of this machine and commands (protocol.allow in git-config(1)). */
const FROM_A_COMMIT = { GIT_PROTOCOL_FROM_USER: '0' };

const OR_WITHOUT = 'to deploy without it, name it in .deployignore, or write git({ submodules: false })';

const withoutUrl = (name: string): string =>
  `${name} is a submodule, but .gitmodules of the commit has no URL for it; add it with \`git submodule add\`, or, ${OR_WITHOUT}`;

const notThere = (name: string, sha: string, url: string): string =>
  `${url} has no commit ${sha}, which is recorded for the submodule ${name}; push it, or, ${OR_WITHOUT}`;

const notFetched = (name: string, sha: string, url: string, stderr: string): string => {
  const local = stderr.includes("transport 'file' not allowed");
  const hint = local
    ? 'git takes submodules from this machine after `git config --global protocol.file.allow always`; '
    : '';
  return `cannot fetch commit ${sha} of the submodule ${name} from ${url}:\n${stderr.trim()}\n${hint}${OR_WITHOUT}`;
};
