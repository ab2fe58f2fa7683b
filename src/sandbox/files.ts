/**
 * SFTP version 3 (draft-ietf-secsh-filexfer-02) over the real file system. Like OpenSSH's server it answers requests one
 * after another, so that a client may send a write and a close without waiting. Relative paths start at the host's root.
 */
import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import ssh2, { type SFTPWrapper } from 'ssh2';
import { attributesOf, changeAttributes, longName } from './file-attributes.ts';
import { BadHandle, EndOfFile, statusOf } from './file-status.ts';

type OpenFile = { readonly file: fs.FileHandle; readonly append: boolean };
type OpenDirectory = { readonly path: string; readonly names: string[] };

/** Answers the requests of one SFTP channel until it ends; closes what the client left open. */
export const serveFiles = (sftp: SFTPWrapper, root: string): void => {
  const handles = new Map<number, OpenFile | OpenDirectory>();
  let lastHandle = 0;
  let turn: Promise<unknown> = Promise.resolve();

  const at = (path: string): string => resolve(root, path);
  const answer = (id: number, work: () => Promise<unknown>): void => {
    turn = turn.then(work).catch((error) => sftp.status(id, ...statusOf(error)));
  };
  const perform = (id: number, work: () => Promise<unknown>): void =>
    answer(id, async () => {
      await work();
      sftp.status(id, ssh2.utils.sftp.STATUS_CODE.OK);
    });
  const open = (id: number, entry: OpenFile | OpenDirectory): void => {
    handles.set(++lastHandle, entry);
    sftp.handle(id, handleBytes(lastHandle));
  };
  const entryOf = (handle: Buffer) => {
    const entry = handle.length === 4 ? handles.get(handle.readUInt32BE()) : undefined;
    if (!entry) throw new BadHandle();
    return entry;
  };
  const fileOf = (handle: Buffer): OpenFile => {
    const entry = entryOf(handle);
    if (!('file' in entry)) throw new BadHandle();
    return entry;
  };

  sftp.on('OPEN', (id, path, flags, { mode = 0o666 }) =>
    answer(id, async () => {
      const file = await fs.open(at(path), openFlags(flags), mode & 0o7777);
      open(id, { file, append: (flags & OPEN_MODE.APPEND) !== 0 });
    }),
  );
  sftp.on('READ', (id, handle, offset, length) =>
    answer(id, async () => {
      const buffer = Buffer.allocUnsafe(Math.min(length, MAX_READ));
      const { bytesRead } = await fileOf(handle).file.read(buffer, 0, buffer.length, offset);
      if (bytesRead === 0) throw new EndOfFile();
      sftp.data(id, buffer.subarray(0, bytesRead));
    }),
  );
  sftp.on('WRITE', (id, handle, offset, data) => perform(id, () => writeAll(fileOf(handle), data, offset)));
  sftp.on('CLOSE', (id, handle) =>
    perform(id, async () => {
      const entry = entryOf(handle);
      handles.delete(handle.readUInt32BE());
      if ('file' in entry) await entry.file.close();
    }),
  );
  sftp.on('OPENDIR', (id, path) =>
    answer(id, async () => open(id, { path: at(path), names: ['.', '..', ...(await fs.readdir(at(path)))] })),
  );
  sftp.on('READDIR', (id, handle) =>
    answer(id, async () => {
      const entry = entryOf(handle);
      if ('file' in entry) throw new BadHandle();
      const names = entry.names.splice(0, NAMES_A_REPLY);
      if (names.length === 0) throw new EndOfFile();
      sftp.name(id, await Promise.all(names.map((name) => listed(entry.path, name))));
    }),
  );
  sftp.on('STAT', (id, path) => answer(id, async () => sftp.attrs(id, attributesOf(await fs.stat(at(path))))));
  sftp.on('LSTAT', (id, path) => answer(id, async () => sftp.attrs(id, attributesOf(await fs.lstat(at(path))))));
  sftp.on('FSTAT', (id, handle) =>
    answer(id, async () => sftp.attrs(id, attributesOf(await fileOf(handle).file.stat()))),
  );
  sftp.on('SETSTAT', (id, path, attributes) => perform(id, () => changeAttributes(at(path), attributes)));
  sftp.on('FSETSTAT', (id, handle, attributes) => perform(id, () => changeAttributes(fileOf(handle).file, attributes)));
  sftp.on('MKDIR', (id, path, { mode = 0o777 }) => perform(id, () => fs.mkdir(at(path), { mode: mode & 0o7777 })));
  sftp.on('RMDIR', (id, path) => perform(id, () => fs.rmdir(at(path))));
  sftp.on('REMOVE', (id, path) => perform(id, () => fs.unlink(at(path))));
  sftp.on('RENAME', (id, from, to) => perform(id, () => renameToNew(at(from), at(to))));
  sftp.on('SYMLINK', (id, link, target) => perform(id, () => fs.symlink(target, at(link))));
  sftp.on('READLINK', (id, path) => answer(id, async () => sftp.name(id, [named(await fs.readlink(at(path)))])));
  sftp.on('REALPATH', (id, path) => answer(id, async () => sftp.name(id, [named(await realPath(at(path)))])));

  sftp.once('end', () => {
    turn = turn.then(async () => {
      for (const entry of handles.values()) if ('file' in entry) await entry.file.close();
      handles.clear();
      sftp.end();
    });
  });
};

const { OPEN_MODE } = ssh2.utils.sftp;
const MAX_READ = 256 * 1024 - 2048;
const NAMES_A_REPLY = 100;

const openFlags = (flags: number): number => {
  const given = (bit: number) => (flags & bit) !== 0;
  const access = given(OPEN_MODE.WRITE)
    ? given(OPEN_MODE.READ)
      ? constants.O_RDWR
      : constants.O_WRONLY
    : constants.O_RDONLY;
  return (
    access |
    (given(OPEN_MODE.APPEND) ? constants.O_APPEND : 0) |
    (given(OPEN_MODE.CREAT) ? constants.O_CREAT : 0) |
    (given(OPEN_MODE.TRUNC) ? constants.O_TRUNC : 0) |
    (given(OPEN_MODE.EXCL) ? constants.O_EXCL : 0)
  );
};

const handleBytes = (number: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes;
};

const writeAll = async ({ file, append }: OpenFile, data: Buffer, offset: number): Promise<void> => {
  for (let done = 0; done < data.length; ) {
    const { bytesWritten } = await file.write(data, done, data.length - done, append ? null : offset + done);
    done += bytesWritten;
  }
};

/** SFTP's rename never replaces a file; whoever wants that says `mv`. */
const renameToNew = async (from: string, to: string): Promise<void> => {
  const taken = await fs.lstat(to).then(
    () => true,
    () => false,
  );
  if (taken) throw new Error('target exists');
  await fs.rename(from, to);
};

/** The last part of the path need not exist, as with OpenSSH. */
const realPath = (path: string): Promise<string> =>
  fs.realpath(path).catch(async () => join(await fs.realpath(dirname(path)), basename(path)));

const listed = async (directory: string, name: string) => {
  const stats = await fs.lstat(join(directory, name));
  return { filename: name, longname: longName(name, stats), attrs: attributesOf(stats) };
};

const named = (path: string) => ({ filename: path, longname: path, attrs: {} as ReturnType<typeof attributesOf> });
