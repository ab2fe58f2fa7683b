import { existsSync } from 'node:fs';
import { mkdir, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Entry } from '#artifact/artifact.ts';
import { walkDirectory } from '#artifact/walk-directory.ts';
import { writeTar } from '#artifact/write-tar.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';

let base: string;
beforeEach(async () => {
  base = await makeTempDir('tar');
  await mkdir(join(base, 'app'));
});
afterEach(() => removeTempDir(base));

const entries = () => walkDirectory(join(base, 'app'), () => false);
const never = new AbortController().signal;

/** A device that is always full. */
describe.skipIf(!existsSync('/dev/full'))('a disk that is full ends the packing', () => {
  test('of small files', async () => {
    for (let i = 0; i < 50; i++) await writeFile(join(base, 'app', `f${i}`), Buffer.alloc(100_000));
    await expect(writeTar(entries(), '/dev/full', never)).rejects.toThrow('ENOSPC');
  });

  test('of one large file', async () => {
    await writeFile(join(base, 'app/large'), '');
    await truncate(join(base, 'app/large'), 50_000_000);
    await expect(writeTar(entries(), '/dev/full', never)).rejects.toThrow('ENOSPC');
  });
});

test('a directory for the tar that does not exist is an error', async () => {
  await writeFile(join(base, 'app/file'), 'x');
  await expect(writeTar(entries(), join(base, 'missing/a.tar'), never)).rejects.toThrow('ENOENT');
});

test('an interrupt ends the packing, in the middle of a large file, too', async () => {
  await writeFile(join(base, 'app/large'), '');
  await truncate(join(base, 'app/large'), 500_000_000);
  const abort = new AbortController();
  const interrupted = async function* (): AsyncGenerator<Entry> {
    for await (const entry of entries()) {
      (entry.content as NodeJS.ReadableStream).once('data', () => abort.abort());
      yield entry;
    }
  };
  await expect(writeTar(interrupted(), join(base, 'a.tar'), abort.signal)).rejects.toThrow(/abort/i);
});

test('a large file that shrinks while it is packed is an error, and one that grows is packed as it was', async () => {
  await writeFile(join(base, 'app/log'), Buffer.alloc(3_000_000));
  const changed = async function* (size: number): AsyncGenerator<Entry> {
    for await (const entry of entries()) {
      await truncate(join(base, 'app/log'), size);
      yield entry;
    }
  };
  expect(await writeTar(changed(4_000_000), join(base, 'a.tar'), never)).toEqual({ files: 1 });
  await expect(writeTar(changed(2_000_000), join(base, 'b.tar'), never)).rejects.toThrow(/size/i);
  expect((await readdir(base)).sort()).toEqual(['a.tar', 'app', 'b.tar']);
});

test('an entry that fails ends the packing with its own error', async () => {
  const failing = async function* (): AsyncGenerator<Entry> {
    yield { name: 'a', type: 'directory', mode: 0o755, mtime: new Date(), size: 0 };
    throw new Error('cannot read it');
  };
  await expect(writeTar(failing(), join(base, 'a.tar'), never)).rejects.toThrow('cannot read it');
});
