import { mkdir, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryFolder } from '../../support/memory-folder.ts';
import { isLeftover, OWN } from './ownership.ts';

/** Makes the directory of this run, in memory where the system has such a place, and removes those that killed runs left there. */
export const makeScratch = async (): Promise<string> => {
  const place = memoryFolder(1e9) ?? tmpdir();
  const leftovers = (await readdir(place)).filter(isLeftover);
  for (const name of leftovers) await removeScratch(join(place, name));
  const dir = join(place, `${OWN}files`);
  await mkdir(dir);
  return dir;
};

export const removeScratch = (dir: string): Promise<void> => rm(dir, { recursive: true, force: true });
