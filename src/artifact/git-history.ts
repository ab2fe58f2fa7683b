import { join } from 'node:path';
import type { Commit } from '#protocol/events.ts';
import { UserError } from '#recipe/user-error.ts';
import type { Difference } from './artifact.ts';
import { git, isRemoteRepository } from './git.ts';

export interface HistoryRequest {
  /** A repository on this machine, or a URL. */
  readonly repository: string;
  readonly ref: string;
  /** What the ref resolves to. */
  readonly sha: string;
  readonly scratch: string;
  readonly signal: AbortSignal;
}

/** The commits between a deployed revision and the one to deploy; undefined where the repository does not know the deployed one. */
export const compareCommits = async (request: HistoryRequest, deployed: string): Promise<Difference | undefined> => {
  if (!/^[\da-f]{7,64}$/i.test(deployed)) return undefined; // another tool's number or name
  const { sha, signal } = request;
  const remote = isRemoteRepository(request.repository);
  const repository = remote ? await fetchHistory(request) : request.repository;
  if (remote && !(await knows(repository, deployed, signal)))
    await git(['-C', repository, 'fetch', ...HISTORY, 'origin', deployed], signal); // of a branch that was left
  if (!(await knows(repository, deployed, signal))) return undefined;
  return {
    commits: await listCommits(repository, `${deployed}..${sha}`, signal),
    dropped: await listCommits(repository, `${sha}..${deployed}`, signal),
  };
};

/** Commits alone: the files of all of the history would be a lot to wait for. Servers that cannot do that send all. */
const HISTORY = ['--quiet', '--no-tags', '--filter=tree:0'];

/** Fetches the history of the ref into a repository of our own, once a run. */
const fetchHistory = async ({ repository: url, ref, sha, scratch, signal }: HistoryRequest): Promise<string> => {
  const repository = join(scratch, 'history.git');
  if (await knows(repository, sha, signal)) return repository;
  await git(['init', '--quiet', '--bare', repository], signal);
  await git(['-C', repository, 'remote', 'add', '--', 'origin', url], signal);
  const fetched = await git(['-C', repository, 'fetch', ...HISTORY, 'origin', ref], signal);
  if (!fetched.ok) throw new UserError(`cannot fetch the history of '${ref}' from ${url}:\n${fetched.stderr.trim()}`);
  return repository;
};

const knows = async (repository: string, revision: string, signal: AbortSignal): Promise<boolean> =>
  (await git(['-C', repository, 'cat-file', '-e', `${revision}^{commit}`], signal)).ok;

const listCommits = async (repository: string, range: string, signal: AbortSignal): Promise<Commit[]> => {
  const format = ['--no-show-signature', '--no-color', '--format=%H %s'];
  const { ok, stdout, stderr } = await git(['-C', repository, 'log', ...format, range, '--'], signal);
  if (!ok) throw new UserError(`git log ${range} failed in ${repository}:\n${stderr.trim()}`);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({ revision: line.slice(0, line.indexOf(' ')), subject: line.slice(line.indexOf(' ') + 1) }));
};
