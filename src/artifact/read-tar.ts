import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { UserError } from '#recipe/user-error.ts';
import type { Entry } from './artifact.ts';
import { gather } from './gather.ts';

/** The entries of a tar stream, names cleaned of `./`. @throws UserError for entries that reach outside the release, or of an unknown type */
export async function* readTar(stream: NodeJS.ReadableStream, what: string): AsyncGenerator<Entry> {
  const { default: tar } = await import('tar-stream');
  const extract = tar.extract();
  pipeline(stream, extract, () => {}); // an error surfaces in the loop below
  for await (const entry of extract) {
    const { header } = entry;
    refuseGarbled(header, what);
    const type = TYPES[header.type ?? 'file'];
    const name = cleanName(header.name, what);
    if (type === undefined) throw new UserError(`${what}: ${header.name} is a ${header.type} and cannot be deployed`);
    if (name === '') {
      entry.resume();
      continue;
    }
    const whole = entry as unknown as NodeJS.ReadableStream;
    yield {
      name,
      type,
      mode: (header.mode ?? 0o644) & 0o7777,
      mtime: header.mtime ?? new Date(0),
      size: type === 'file' ? (header.size ?? 0) : 0,
      ...(header.linkname ? { linkname: type === 'link' ? cleanName(header.linkname, what) : header.linkname } : {}),
      ...(type === 'file' ? { content: (header.size ?? 0) <= WHOLE ? await gather(whole) : whole } : {}),
    };
    entry.resume(); // whatever the taker did not want
  }
}

/** Bytes: a file up to this size is read at once, for a stream of its own costs more than its content. */
const WHOLE = 64 * 1024;

/** The content of a .tar, .tar.gz or .tgz file as a tar stream. */
export const openTarFile = (path: string): NodeJS.ReadableStream => {
  const file = createReadStream(path, { highWaterMark: 1 << 20 });
  if (path.endsWith('.tar')) return file;
  const gunzip = createGunzip();
  pipeline(file, gunzip, (error) => error && gunzip.destroy(error));
  return gunzip;
};

const TYPES: Record<string, Entry['type'] | undefined> = {
  file: 'file',
  'contiguous-file': 'file',
  directory: 'directory',
  symlink: 'symlink',
  link: 'link',
};

/** tar-stream puts U+FFFD for what it cannot read, and hosts would get another name than the archive holds. */
const refuseGarbled = ({ name, linkname }: { name: string; linkname?: string | null }, what: string): void => {
  const garbled = [name, linkname ?? ''].find((text) => text.includes('\ufffd'));
  if (garbled !== undefined) throw new UserError(`${what}: the name ${garbled} is not UTF-8: rename it`);
};

const cleanName = (name: string, what: string): string => {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (name.startsWith('/') || parts.includes('..'))
    throw new UserError(`${what}: the entry ${name} lies outside the archive`);
  return parts.join('/');
};
