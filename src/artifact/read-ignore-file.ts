import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { IGNORE_FILE } from './ignore-rules.ts';

/** The rules beside the files they are about; undefined where there are none. */
export const readIgnoreFile = (directory: string): Promise<string | undefined> =>
  readFile(join(directory, IGNORE_FILE), 'utf8').catch(() => undefined);
