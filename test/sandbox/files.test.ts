import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { lstat, mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Client, SFTPWrapper } from 'ssh2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectClient, openSftp } from '../support/ssh-client.ts';
import { needs } from '../support/tools.ts';
import { type Fleet, startFleet } from './fleet.ts';

describe('files of an embedded host over SFTP', () => {
  const bytes = randomBytes(5_000_000);
  let fleet: Fleet;
  let client: Client;
  let sftp: SFTPWrapper;
  let local: string;
  let root: string;
  beforeAll(async () => {
    fleet = await startFleet(1);
    root = fleet.hosts[0]!.root;
    local = join(fleet.root, 'local');
    await mkdir(local);
    await writeFile(join(local, 'big'), bytes);
    client = await connectClient(await fleet.login(0));
    sftp = await openSftp(client);
  });
  afterAll(async () => {
    client.end();
    await fleet.end();
  });

  test('go up and down unchanged, by many requests at once', async () => {
    await promisify(sftp.fastPut.bind(sftp) as Transfer)(join(local, 'big'), 'up');
    expect((await readFile(join(root, 'up'))).equals(bytes)).toBe(true);
    await promisify(sftp.fastGet.bind(sftp) as Transfer)('up', join(local, 'down'));
    expect((await readFile(join(local, 'down'))).equals(bytes)).toBe(true);
  });

  test('are written by a stream with the mode that it asks for', async () => {
    const stream = sftp.createWriteStream(join(root, 'stream'), { mode: 0o600 });
    stream.end('content');
    await once(stream, 'close');
    expect(await readFile(join(root, 'stream'), 'utf8')).toBe('content');
    expect((await lstat(join(root, 'stream'))).mode & 0o777).toBe(0o600);
  });

  test('are appended to, whatever offset the client says', async () => {
    for (const text of ['one ', 'two']) {
      const stream = sftp.createWriteStream('log', { flags: 'a' });
      stream.end(text);
      await once(stream, 'close');
    }
    expect(await readFile(join(root, 'log'), 'utf8')).toBe('one two');
  });

  test('are made, listed, changed, linked, renamed and removed', async () => {
    await call((done) => sftp.mkdir('dir', done));
    await writeFile(join(root, 'dir/a ü'), 'text');
    await call((done) => sftp.chmod('dir/a ü', 0o750, done));
    await call((done) => sftp.utimes('dir/a ü', 1_000_000, 2_000_000, done));
    await call((done) => sftp.symlink('a ü', 'dir/link', done));
    await call((done) => sftp.rename('dir/a ü', 'dir/b', done));
    expect((await readdir(join(root, 'dir'))).sort()).toEqual(['b', 'link']);
    expect(await readlink(join(root, 'dir/link'))).toBe('a ü');

    const listed = await get<{ filename: string }[]>((done) => sftp.readdir('dir', done));
    expect(listed.map((entry) => entry.filename).sort()).toEqual(['b', 'link']);
    expect(await get((done) => sftp.stat('dir/b', done))).toMatchObject({ size: 4, mode: 0o100750, mtime: 2_000_000 });
    expect(await get((done) => sftp.lstat('dir/link', done))).toMatchObject({ mode: expect.toSatisfy(isLink) });
    expect(await get((done) => sftp.readlink('dir/link', done))).toBe('a ü');
    expect(await get((done) => sftp.realpath('.', done))).toBe(root);
    expect(await get((done) => sftp.realpath('dir/new', done))).toBe(join(root, 'dir/new'));

    for (const name of ['b', 'link']) await call((done) => sftp.unlink(`dir/${name}`, done));
    await call((done) => sftp.rmdir('dir', done));
    expect(await readdir(root)).not.toContain('dir');
  });

  test('are listed whole where they are many', async () => {
    await mkdir(join(root, 'many'));
    for (let index = 0; index < 350; index++) await writeFile(join(root, 'many', String(index)), '');
    expect(await get<unknown[]>((done) => sftp.readdir('many', done))).toHaveLength(350);
  });

  test('that are missing or in the way give the status code that says so', async () => {
    await writeFile(join(root, 'taken'), '');
    await expect(call((done) => sftp.unlink('nothing', done))).rejects.toMatchObject({ code: 2 });
    await expect(call((done) => sftp.mkdir('taken', done))).rejects.toMatchObject({ code: 4 });
    await expect(call((done) => sftp.rename('log', 'taken', done))).rejects.toMatchObject({ code: 4 });
    await expect(get((done) => sftp.readdir('taken', done))).rejects.toMatchObject({ code: 2 });
    await expect(call((done) => sftp.close(Buffer.from([0, 0, 9, 9]), done))).rejects.toMatchObject({ code: 4 });
  });

  test.skipIf(!needs('sftp'))('go up and down by the client of OpenSSH', async () => {
    const batch = [`put ${local}/big by-sftp`, 'symlink by-sftp points', `get by-sftp ${local}/back`, 'ls -l', 'pwd'];
    const { exitCode, stdout, stderr } = await fleet.openssh('sftp', 0, [], `${batch.join('\n')}\n`);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect((await readFile(join(local, 'back'))).equals(bytes)).toBe(true);
    expect(await readlink(join(root, 'points'))).toBe('by-sftp');
    expect(stdout).toMatch(/-rw-\S+ +1 .* 5000000 .* by-sftp/);
  });
});

type Transfer = (from: string, to: string, done: (error: Error | undefined | null) => void) => void;

const call = (request: (done: (error?: Error | null) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => request((error) => (error ? reject(error) : resolve())));

const get = <T>(request: (done: (error: Error | undefined, value: T) => void) => void): Promise<T> =>
  new Promise((resolve, reject) => request((error, value) => (error ? reject(error) : resolve(value))));

const isLink = (mode: number): boolean => (mode & 0o170000) === 0o120000;
