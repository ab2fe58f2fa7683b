import { access, constants, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { UserError } from '#recipe/user-error.ts';
import type { Packable, SourceFacts, WholeFile } from './artifact.ts';
import { ignoreRules } from './ignore-rules.ts';
import { readIgnoreFile } from './read-ignore-file.ts';
import { walkDirectory } from './walk-directory.ts';

/** A file or a directory of this machine that is to be somewhere else, too. */
export type Content = ContentFacts &
  ((WholeFile & { readonly kind: 'file' }) | (Packable & { readonly kind: 'directory' }));

interface ContentFacts extends SourceFacts {
  /** Its own name, without the path. */
  readonly name: string;
  /** Permission bits, 0 to 0o777. */
  readonly mode: number;
  /** Seconds since 1970. */
  readonly modified: number;
}

/** Finds out what lies at an absolute path: a file travels as it is, a directory as a tar. @throws UserError, exit code 2 */
export const resolveContent = async (path: string): Promise<Content> => {
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new UserError(`there is no file or directory ${path}`, 2);
  await access(path, constants.R_OK).catch(() => {
    throw new UserError(`no permission to read ${path}`, 2);
  });
  const modified = Math.floor(found.mtimeMs / 1000);
  const facts = { name: basename(path), mode: found.mode & 0o777, modified, revisionTime: modified };
  if (found.isFile()) return { ...facts, kind: 'file', label: `File ${path}`, file: path };
  if (!found.isDirectory()) throw new UserError(`${path} is neither a file nor a directory`, 2);
  return {
    ...facts,
    kind: 'directory',
    label: `Directory ${path}`,
    entries: async function* () {
      yield* walkDirectory(path, ignoreRules(await readIgnoreFile(path)));
    },
  };
};
