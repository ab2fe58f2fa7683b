import { randomBytes } from 'node:crypto';
import { chmod, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { writeContent } from '../support/content.ts';
import { type RunningPart, startPart } from '../support/swarm-command.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';

let dir: string;
let url: string;
let tracker: RunningPart;
let running: RunningPart[] = [];
const big = randomBytes(3_000_000);
const start = (line: string): RunningPart => {
  const part = startPart(line, dir);
  running.push(part);
  return part;
};
const run = (line: string) => start(line).result;
const isThere = (path: string) =>
  stat(join(dir, path)).then(
    () => true,
    () => false,
  );
const below = async (path: string) => (await readdir(join(dir, path), { recursive: true })).sort();

beforeAll(async () => {
  dir = await makeTempDir('swarm');
  const wrong = Buffer.from(big);
  wrong[40_000]! ^= 1;
  await writeContent(dir, {
    big,
    wrong,
    'tree/a': 'a',
    'tree/sub/b': { text: 'b', mode: 0o755 },
    'tree/link': { link: 'a' },
  });
  await utimes(join(dir, 'tree/a'), 1_700_000_000, 1_700_000_000);
  tracker = startPart('track --port 0 --listen 127.0.0.1', dir);
  url = ((await tracker.seen('swarm-listening')).urls as string[])[0] as string;
  for (const path of ['big', 'tree'])
    expect(await run(`create ${path} --tracker ${url}`)).toMatchObject({ exitCode: 0 });
});
afterAll(async () => {
  tracker?.signal();
  expect(await tracker?.result).toMatchObject({ exitCode: 0 });
  await removeTempDir(dir);
});
afterEach(async () => {
  for (const part of running) part.signal();
  await Promise.allSettled(running.map(({ result }) => result));
  running = [];
});

test('create tells what it wrote; trackers are no part of what is fetched', async () => {
  const more = '--tracker http://127.0.0.1:1/b --out other.torrent';
  const { exitCode, events, summary } = await run(`create big --tracker ${url} ${more}`);
  expect(exitCode).toBe(0);
  expect(events[0]).toMatchObject({
    type: 'swarm-created',
    torrent: join(dir, 'other.torrent'),
    bytes: big.length,
    packed: false,
  });
  expect(summary.infoHash).toMatch(/^[0-9a-f]{40}$/);
  expect((await run(`create big --tracker ${url}`)).summary.infoHash).toBe(summary.infoHash);
  expect(await isThere('other.torrent.part')).toBe(false);
});

test.each([
  [
    'seed big.torrent wrong',
    1,
    /wrong is not the content of the torrent: piece 3 of \d+ \(from byte 32768\) is not right$/,
  ],
  ['seed big.torrent tree/a', 1, /it has 1 bytes, the torrent 3000000/],
  ['seed big.torrent tree', 2, /is a directory/],
  ['seed big.torrent nowhere', 2, /there is no file or directory .*nowhere/],
  ['seed big big', 2, /no .torrent of one file/],
  ['seed nowhere.torrent big', 2, /cannot read the .torrent/],
  ['fetch big.torrent tree', 2, /tree is a directory: name the file, too, as .*tree\/big/],
  ['fetch tree.torrent big', 2, /is there and no directory/],
  ['fetch big.torrent big/new', 1, /cannot write/],
  ['create nowhere --tracker http://127.0.0.1/a', 2, /there is no file or directory/],
  ['create big', 2, /name a tracker/],
  ['create big --tracker udp://127.0.0.1/a', 2, /must be an http:\/\/ URL/],
  ['create big --tracker http://127.0.0.1/a --out missing/x.torrent', 1, /cannot write .*missing/],
  ['create tree --tracker http://127.0.0.1/a --out tree/x.torrent', 2, /a part of what it describes/],
])('%s: exit code %i', async (line, exitCode, message) => {
  expect(await run(line)).toMatchObject({ exitCode, message: expect.stringMatching(message) });
});

describe('a directory', () => {
  test('arrives as it is, is added to what is there or replaces it, and seeds as well as the first', async () => {
    await writeContent(dir, { 'copy/a': 'old', 'copy/keep': 'keep', 'spare/old': 'old' });
    await start('seed tree.torrent tree').seen('swarm-listening');
    expect(await run('fetch tree.torrent copy --seed-time 0')).toMatchObject({ exitCode: 0 });
    expect(await below('copy')).toEqual(['a', 'keep', 'link', 'sub', 'sub/b']);
    expect(await readFile(join(dir, 'copy/a'), 'utf8')).toBe('a');
    expect((await stat(join(dir, 'copy/a'))).mtimeMs).toBe(1_700_000_000_000);
    expect((await run('seed tree.torrent copy')).message).toMatch(/copy, packed, is not the content/);
    expect(await run('fetch tree.torrent spare --seed-time 0 --delete')).toMatchObject({ exitCode: 0 });
    expect(await below('spare')).toEqual(['a', 'link', 'sub', 'sub/b']);
    expect(await run('seed tree.torrent spare --seed-time 0')).toMatchObject({ exitCode: 0 });
    expect((await readdir(dir)).filter((name) => name.startsWith('.') || name.endsWith('.part'))).toEqual([]);
  });

  test('that cannot be placed keeps what has come, for the next try', async () => {
    await writeContent(dir, { 'taken/sub': 'a file' });
    await start('seed tree.torrent tree').seen('swarm-listening');
    const { exitCode, message } = await run('fetch tree.torrent taken --seed-time 0');
    expect([exitCode, message]).toEqual([
      1,
      expect.stringMatching(/cannot be placed as .*taken: .*taken\/sub is no directory/),
    ]);
    expect([await below('taken'), await isThere('taken.part')]).toEqual([['sub'], true]);
  });
});

describe('a fetch that does not get on says why, ends with exit code 1, and leaves nothing', () => {
  const fetchBy = (path: string, words: string) => run(`fetch big.torrent ${path} --stall-timeout 1 ${words}`);
  const leaves = async (path: string) => [await isThere(path), await isThere(`${path}.part`)];

  test('nobody seeds, or the tracker does not answer', async () => {
    const [lonely, refused] = await Promise.all([
      fetchBy('lonely', `--tracker ${url}`),
      fetchBy('refused', '--tracker http://127.0.0.1:1/announce'),
    ]);
    expect(lonely).toMatchObject({ exitCode: 1, message: expect.stringContaining('the tracker knows nobody else') });
    expect(refused.message).toMatch(/^no byte came for 1 s: no tracker helps: .*ECONNREFUSED.*; 0 % is here$/);
    expect(refused.events).toContainEqual(expect.objectContaining({ type: 'notice', level: 'warning' }));
    expect([await leaves('lonely'), await leaves('refused')]).toEqual([
      [false, false],
      [false, false],
    ]);
  });

  test('whoever is there has nothing', async () => {
    const others = await Promise.all(['left', 'right'].map((path) => fetchBy(path, `--tracker ${url}`)));
    expect(others.map(({ exitCode }) => exitCode)).toEqual([1, 1]);
    expect(others.map(({ message }) => message)).toContainEqual(
      expect.stringContaining('1 peer connected, but nothing comes'),
    );
    expect([await leaves('left'), await leaves('right')]).toEqual([
      [false, false],
      [false, false],
    ]);
  });

  test('the tracker serves other torrents only', async () => {
    const strict = start('track tree.torrent --port 0 --listen 127.0.0.1');
    const [at] = (await strict.seen('swarm-listening')).urls as string[];
    const { message } = await run(`fetch big.torrent none --tracker ${at} --timeout 1`);
    expect(message).toMatch(/^not done after 1 s: no tracker helps: .*: unknown torrent; 0 % is here$/);
  });

  test('whoever has another key, or none, is told so by both ends', async () => {
    for (const name of ['right', 'wrong'])
      await run(`create big --tracker ${url} --key ${name}.key --out ${name}.torrent`);
    expect((await stat(join(dir, 'right.key'))).mode & 0o777).toBe(0o600);
    const seeder = start('seed right.torrent big --key right.key --listen 127.0.0.1');
    await seeder.seen('swarm-listening');
    const other = await run('fetch right.torrent other --key wrong.key --stall-timeout 1');
    expect(other).toMatchObject({ exitCode: 1, message: expect.stringContaining('who was met has another key') });
    expect((await seeder.seen('notice')).message).toBe('127.0.0.1 refused: it has another key');
    const open = await run('fetch right.torrent open --stall-timeout 1');
    expect(open).toMatchObject({ exitCode: 1, message: expect.stringMatching(/who was met .* key/) });
    expect(await run('fetch right.torrent keyed --key right.key --seed-time 0')).toMatchObject({ exitCode: 0 });
    expect([await leaves('other'), await leaves('open'), await isThere('keyed')]).toEqual([
      [false, false],
      [false, false],
      true,
    ]);
    seeder.signal();
    expect(JSON.stringify(await seeder.result)).not.toContain((await readFile(join(dir, 'right.key'), 'utf8')).trim());
    await chmod(join(dir, 'wrong.key'), 0o640);
    for (const [words, message] of [
      ['--key wrong.key', /others than its owner can use the key .*chmod 600/],
      ['--key big', /others than its owner|holds no key/],
      ['--key nowhere', /cannot read the key/],
    ] as const)
      expect(await run(`seed right.torrent big ${words}`)).toMatchObject({
        ...{ exitCode: 2, message: expect.stringMatching(message) },
      });
  });

  test('a port that is taken is told', async () => {
    const { port } = new URL(url);
    expect(await run(`track --port ${port} --listen 127.0.0.1`)).toMatchObject({
      ...{ exitCode: 1, message: expect.stringContaining(`cannot listen on port ${port}: it is in use`) },
    });
  });
});

test('a copy that is right already is not fetched again; a wrong one is replaced as a whole', async () => {
  await writeFile(join(dir, 'same'), big);
  expect(await run(`fetch big.torrent same --seed-time 0`)).toMatchObject({ exitCode: 0, summary: { downloaded: 0 } });
  await start('seed big.torrent big').seen('swarm-listening');
  await writeFile(join(dir, 'other'), big.subarray(1));
  expect(await run(`fetch big.torrent other --seed-time 0`)).toMatchObject({ exitCode: 0 });
  expect(big.equals(await readFile(join(dir, 'other')))).toBe(true);
});
