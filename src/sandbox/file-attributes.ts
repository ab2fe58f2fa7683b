import { constants, type Stats } from 'node:fs';
import { chmod, chown, type FileHandle, truncate, utimes } from 'node:fs/promises';
import type { Attributes } from 'ssh2';

/** SFTP attributes of a file; times in whole seconds. */
export const attributesOf = ({ mode, uid, gid, size, atimeMs, mtimeMs }: Stats): Attributes => ({
  ...{ mode, uid, gid, size },
  atime: Math.floor(atimeMs / 1000),
  mtime: Math.floor(mtimeMs / 1000),
});

/** Sets those attributes that the client gave. */
export const changeAttributes = async (target: string | FileHandle, given: Partial<Attributes>): Promise<void> => {
  const { size, mode, uid, gid, atime, mtime } = given;
  const file = typeof target === 'string' ? byPath(target) : target;
  if (size !== undefined) await file.truncate(size);
  if (mode !== undefined) await file.chmod(mode & 0o7777);
  if (uid !== undefined && gid !== undefined) await file.chown(uid, gid);
  if (atime !== undefined && mtime !== undefined) await file.utimes(atime, mtime);
};

/** A line in the manner of `ls -l`, for people at an SFTP prompt. */
export const longName = (name: string, { mode, nlink, uid, gid, size, mtime }: Stats): string =>
  [
    modeText(mode),
    nlink,
    uid,
    gid,
    String(size).padStart(10),
    mtime.toISOString().slice(0, 16).replace('T', ' '),
    name,
  ].join(' ');

const byPath = (path: string): Pick<FileHandle, 'truncate' | 'chmod' | 'chown' | 'utimes'> => ({
  truncate: (size) => truncate(path, size),
  chmod: (mode) => chmod(path, mode),
  chown: (uid, gid) => chown(path, uid, gid),
  utimes: (atime, mtime) => utimes(path, atime, mtime),
});

/** Letters by the file type bits of a mode: fifo, device, directory, device, file, link, socket. */
const TYPES: Readonly<Record<number, string>> = { 1: 'p', 2: 'c', 4: 'd', 6: 'b', 8: '-', 10: 'l', 12: 's' };

const modeText = (mode: number): string => {
  const type = TYPES[(mode & constants.S_IFMT) / 0o10000] ?? '?';
  const bits = Array.from('rwxrwxrwx', (letter, index) => ((mode & (0o400 >> index)) === 0 ? '-' : letter));
  return type + bits.join('');
};
