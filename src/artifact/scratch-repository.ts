import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { git } from './git.ts';

export interface ScratchRequest {
  readonly scratch: string;
  /** Where the repository comes from, for fetching, and for Git LFS, which asks there for its files. */
  readonly url?: string;
  /** Object directories of this machine that are looked into as well. */
  readonly objects?: readonly string[];
  readonly signal: AbortSignal;
}

/** Makes a bare repository for the run, so that nothing is written into the user's own, and no setting of theirs counts. Resolves to its path. */
export const makeScratchRepository = async ({
  scratch,
  url,
  objects = [],
  signal,
}: ScratchRequest): Promise<string> => {
  await mkdir(scratch, { recursive: true });
  const repository = await mkdtemp(join(scratch, 'repository-'));
  await git(['init', '--quiet', '--bare', repository], signal);
  if (url !== undefined) await git(['-C', repository, 'remote', 'add', '--', 'origin', url], signal);
  if (objects.length > 0) await writeFile(join(repository, 'objects/info/alternates'), `${objects.join('\n')}\n`);
  return repository;
};
