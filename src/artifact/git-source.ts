import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitSource } from '#config/written-config.ts';
import { UserError } from '#recipe/user-error.ts';
import type { Entry, ResolvedSource, Workplace } from './artifact.ts';
import { git, gitArchive, isRemoteRepository } from './git.ts';
import { compareCommits } from './git-history.ts';
import { IGNORE_FILE, ignoreRules } from './ignore-rules.ts';
import { readIgnoreFile } from './read-ignore-file.ts';
import { readTar } from './read-tar.ts';
import { walkDirectory } from './walk-directory.ts';

interface Commit {
  /** A repository on this machine that has the commit. */
  readonly repository: string;
  readonly sha: string;
  readonly time: number;
}

/**
 * Resolves the ref to one commit, once: that commit is what every host gets and records. (Capistrano lets each host
 * resolve the branch, and a push in between gives hosts different code under one recorded revision.)
 * @throws UserError when it is no repository, or has no such ref
 */
export const resolveGit = async (
  source: GitSource,
  directory: string,
  scratch: string,
  signal: AbortSignal,
): Promise<ResolvedSource> => {
  const ref = source.ref ?? 'HEAD';
  const repository = source.repository ?? directory;
  const commit = isRemoteRepository(repository)
    ? await fetchCommit(repository, ref, scratch, signal)
    : await localCommit(repository, ref, signal);
  const inside = await findDirectory(commit, source.directory, signal);
  return {
    label: `Branch ${ref}`,
    revision: commit.sha,
    revisionTime: commit.time,
    entries: (work) =>
      work.build.length > 0 ? builtTree(commit, inside, work) : archivedTree(commit, inside, work.signal),
    compare: (deployed) => compareCommits({ ...commit, repository, ref, scratch, signal }, deployed),
  };
};

const localCommit = async (path: string, ref: string, signal: AbortSignal): Promise<Commit> => {
  const [top, found] = await Promise.all([
    git(['-C', path, 'rev-parse', '--show-toplevel'], signal),
    findCommit(path, ref, signal),
  ]);
  const bare = top.ok ? undefined : await git(['-C', path, 'rev-parse', '--absolute-git-dir'], signal);
  if (!top.ok && !bare?.ok)
    throw new UserError(`${path} is not a git repository; use dir('.') to deploy it as it is`, 2);
  const repository = top.ok && top.stdout !== '' ? top.stdout : (bare as { stdout: string }).stdout;
  if (!found) throw new UserError(`there is no ref '${ref}' in ${repository}${await knownRefs(repository, signal)}`, 2);
  return { repository, ...found };
};

/** Fetches one commit, without history, into a repository of our own. */
const fetchCommit = async (url: string, ref: string, scratch: string, signal: AbortSignal): Promise<Commit> => {
  const repository = join(scratch, 'repository.git');
  await mkdir(repository, { recursive: true });
  await git(['init', '--quiet', '--bare', repository], signal);
  const fetched = await git(['-C', repository, 'fetch', '--quiet', '--depth=1', '--no-tags', '--', url, ref], signal);
  if (!fetched.ok) throw new UserError(`cannot fetch '${ref}' from ${url}:\n${fetched.stderr.trim()}`, 2);
  const found = await findCommit(repository, 'FETCH_HEAD', signal);
  if (!found) throw new UserError(`'${ref}' of ${url} is no commit`, 2);
  return { repository, ...found };
};

/** `git archive` of the commit, not of the directory's tree: it knows the attributes of the whole and the commit's time. */
const archivedTree = async function* (
  { repository, sha }: Commit,
  directory: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<Entry> {
  const inside = directory === undefined ? '' : `${directory}/`;
  const rules = await git(['-C', repository, 'show', `${sha}:${inside}${IGNORE_FILE}`], signal);
  const ignored = ignoreRules(rules.ok ? rules.stdout : undefined);
  const archive = await gitArchive(repository, sha, directory, signal);
  for await (const entry of readTar(archive.stream, `commit ${sha}`)) {
    if (!entry.name.startsWith(inside)) continue;
    const name = entry.name.slice(inside.length);
    if (!ignored(name, entry.type === 'directory')) yield { ...entry, name };
  }
  await archive.end;
};

/** Unpacks the commit, runs the build steps there, and packs what they left: what is built is what was committed. */
const builtTree = async function* (
  { repository, sha }: Commit,
  directory: string | undefined,
  work: Workplace,
): AsyncGenerator<Entry> {
  const tree = join(work.directory, 'checkout');
  await mkdir(tree, { recursive: true });
  const { execa } = await import('execa');
  const archive = await gitArchive(repository, sha, directory, work.signal);
  const strip = directory === undefined ? 0 : directory.split('/').length;
  await Promise.all([
    execa('tar', ['-xpf', '-', `--strip-components=${strip}`, '-C', tree], {
      input: archive.stream as never,
      cancelSignal: work.signal,
    }),
    archive.end,
  ]);
  for (const command of work.build) await work.runLocal(command, tree);
  yield* walkDirectory(tree, ignoreRules(await readIgnoreFile(tree)));
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
  throw new UserError(`there is no directory '${directory}' in commit ${sha} of ${repository}`, 2);
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
