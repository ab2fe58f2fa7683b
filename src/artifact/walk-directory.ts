import { createReadStream } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { UserError } from '#recipe/user-error.ts';
import type { Entry } from './artifact.ts';
import type { Ignore } from './ignore-rules.ts';

/**
 * Every file, directory and symlink below a directory, parents first and sorted by name, so that the same tree gives
 * the same tar. What is ignored is not entered. @throws UserError for names that are not UTF-8, and for sockets, pipes and devices
 */
export async function* walkDirectory(root: string, ignored: Ignore, inside = ''): AsyncGenerator<Entry> {
  const names = await readNames(`${root}/${inside}`);
  for (const base of names) {
    const name = inside === '' ? base : `${inside}/${base}`;
    const path = `${root}/${name}`;
    const stat = await lstat(path);
    const common = { name, mode: stat.mode & 0o7777, mtime: stat.mtime };
    if (ignored(name, stat.isDirectory())) continue;
    if (stat.isDirectory()) {
      yield { ...common, type: 'directory', size: 0 };
      yield* walkDirectory(root, ignored, name);
    } else if (stat.isSymbolicLink()) {
      yield { ...common, type: 'symlink', size: 0, linkname: await readTarget(path) };
    } else if (stat.isFile()) {
      const small = stat.size <= SMALL;
      const content = small
        ? await readFile(path)
        : createReadStream(path, { end: stat.size - 1, highWaterMark: 1 << 20 });
      yield { ...common, type: 'file', size: small ? (content as Uint8Array).length : stat.size, content };
    } else {
      throw new UserError(`${path} is a socket, pipe or device and cannot be deployed; name it in .deployignore`);
    }
  }
}

/** Bytes up to which a file is read at once. */
const SMALL = 1 << 20;

const readNames = async (directory: string): Promise<string[]> => {
  const names = await readdir(directory, { encoding: 'buffer' });
  return names.map((bytes) => textOf(bytes, `${directory} holds a name`)).sort();
};

const readTarget = async (path: string): Promise<string> =>
  textOf(await readlink(path, { encoding: 'buffer' }), `${path} points to a name`);

const textOf = (bytes: Buffer, where: string): string => {
  const text = bytes.toString('utf8');
  if (Buffer.from(text).equals(bytes)) return text;
  const shown = bytes.toString('latin1');
  throw new UserError(`${where} that is not UTF-8: ${shown}; rename it, or name its directory in .deployignore`);
};
