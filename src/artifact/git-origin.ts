import { resolve } from 'node:path';
import { git, isRemoteRepository } from './git.ts';
import type { Clones } from './local-clones.ts';

export interface Origin {
  /** The URL that the repository comes from, or its own path where it comes from nowhere. */
  readonly origin: () => Promise<string>;
  readonly clones: Clones;
}

/** Where submodules of a repository start from; `written` is the source's path or URL, `repository` what is on this machine. */
export const originOf = async (repository: string, written: string, signal: AbortSignal): Promise<Origin> => {
  if (isRemoteRepository(written)) return { origin: async () => written, clones: { gitDirs: [] } };
  const ask = async (...args: string[]) => (await git(['-C', repository, ...args], signal)).stdout;
  const dirs = (await ask('rev-parse', '--absolute-git-dir', '--git-common-dir')).split('\n');
  const gitDirs = [...new Set(dirs.map((dir) => resolve(repository, dir)))];
  const origin = async () => {
    const branch = await ask('symbolic-ref', '--quiet', '--short', 'HEAD');
    const remote = (await ask('config', `branch.${branch}.remote`)) || 'origin';
    const url = await ask('config', `remote.${remote}.url`);
    return /^[^/]+:/.test(url) ? url : resolve(repository, url);
  };
  return { origin, clones: { gitDirs, worktree: repository } };
};
