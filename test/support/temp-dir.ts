import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes an empty directory of our own; its path has no symbolic links. */
export const makeTempDir = async (name = 'test'): Promise<string> =>
  mkdtemp(join(await realpath(tmpdir()), `rookery-${name}-`));

/** Removes such a directory with all that is in it. */
export const removeTempDir = (path: string): Promise<void> => rm(path, { recursive: true, force: true, maxRetries: 5 });
