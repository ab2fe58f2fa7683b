import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningCli, startCli } from '../support/cli.ts';
import { type Content, writeContent } from '../support/content.ts';
import { readSwarmRun, type SwarmRun } from '../support/swarm-command.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';
import { needs } from '../support/tools.ts';

let dir: string;
let temp: string;
let tracker: RunningCli;
const big = randomBytes(8_000_000);
const running = new Set<RunningCli>();
const foreign: ChildProcess[] = [];

const start = (line: string): RunningCli => {
  const options = { cwd: dir, env: { TMPDIR: temp }, timeout: 300_000 };
  const cli = startCli(['swarm', ...line.split(' '), '--format', 'json'], options);
  running.add(cli);
  void cli.result.then(() => running.delete(cli));
  return cli;
};
const ended = async (cli: RunningCli): Promise<SwarmRun> => {
  const { exitCode, stdout, stderr } = await cli.result;
  expect(stderr).toBe('');
  return readSwarmRun(exitCode, stdout);
};
const run = (line: string) => ended(start(line));
const stop = (cli: RunningCli, name: NodeJS.Signals) => {
  cli.signal(name);
  return ended(cli);
};
const isThere = (path: string) =>
  stat(join(dir, path)).then(
    () => true,
    () => false,
  );
const isRight = async (path: string) => big.equals(await readFile(join(dir, path)));

/** aria2c in a directory of its own; it seeds what it finds there. */
const startAria2 = async (name: string, torrent: string, files: Content, ...options: string[]) => {
  await mkdir(join(dir, name));
  await writeContent(join(dir, name), files);
  const child = spawn(
    'aria2c',
    [
      ...['--no-conf', '--quiet', '--enable-dht=false', '--enable-dht6=false', '--bt-enable-lpd=false'],
      ...['--enable-peer-exchange=false', '--disable-ipv6=true', '--interface=127.0.0.1', '--bt-tracker-interval=1'],
      ...['--check-integrity=true', '--allow-overwrite=true', '--listen-port=42300-42399'],
      ...[...options, `--dir=${join(dir, name)}`, join(dir, torrent)],
    ],
    { stdio: 'ignore' },
  );
  foreign.push(child);
  return child;
};

beforeAll(async () => {
  dir = await makeTempDir('swarm');
  temp = join(dir, 'temp');
  await mkdir(temp);
  await writeContent(dir, { big, 'tree/a': 'a', 'tree/sub/b': 'b' });
  tracker = start('track --port 0 --listen 127.0.0.1');
  await tracker.seen('announce"]}');
  const url = tracker.stdout().match(/http:[^"]*/)?.[0];
  await Promise.all([run(`create big --tracker ${url}`), run(`create tree --tracker ${url}`)]);
});
afterAll(async () => {
  for (const child of foreign) child.kill('SIGKILL');
  for (const cli of running) cli.signal('SIGKILL');
  await removeTempDir(dir);
});

describe('the parts of a swarm, each a program of its own', () => {
  test('two machines fetch what one seeds, a third has it from them; signals are the good end of all', async () => {
    const seeder = start('seed big.torrent big');
    await seeder.seen('"swarm-listening"');
    const first = start('fetch big.torrent one');
    const second = await run('fetch big.torrent two/two --seed-time 0');
    expect(second).toMatchObject({ exitCode: 0, summary: { path: join(dir, 'two/two') } });
    await first.seen('"swarm-verified"');
    expect(await stop(seeder, 'SIGINT')).toMatchObject({ exitCode: 0, summary: { uploaded: expect.any(Number) } });
    expect(await run('fetch big.torrent three --seed-time 0')).toMatchObject({ exitCode: 0 });
    expect(await stop(first, 'SIGTERM')).toMatchObject({ exitCode: 0 });
    for (const path of ['one', 'two/two', 'three'])
      expect([await isRight(path), await isThere(`${path}.part`)]).toEqual([true, false]);
  });

  test('a fetch that was interrupted, or killed, goes on where it was', async () => {
    await writeFile(join(dir, 'cut.part'), Buffer.concat([big.subarray(0, 4_000_000), Buffer.alloc(4_000_000)]));
    for (const name of ['SIGINT', 'SIGKILL'] as const) {
      const fetch = start('fetch big.torrent cut');
      await fetch.seen(/"bytes":39\d{5},"length":8000000/);
      fetch.signal(name);
      const { exitCode, signal } = await fetch.result;
      expect([exitCode, signal]).toEqual(name === 'SIGINT' ? [130, null] : [null, 'SIGKILL']);
      expect([await isThere('cut'), await isThere('cut.part')]).toEqual([false, true]);
    }
    const seeder = start('seed big.torrent big');
    await seeder.seen('"swarm-listening"');
    const { exitCode, summary } = await run('fetch big.torrent cut --seed-time 0');
    expect([exitCode, await isRight('cut'), await isThere('cut.part')]).toEqual([0, true, false]);
    expect(summary.downloaded).toBeLessThan(4_500_000);
    await stop(seeder, 'SIGINT');
  });
});

describe.skipIf(!needs('aria2c'))('with aria2c at the other end', () => {
  test('it fetches from our seeder, a directory as a tar, which seeds as the directory does', async () => {
    const seeder = start('seed tree.torrent tree');
    await seeder.seen('"swarm-listening"');
    const child = await startAria2('theirs', 'tree.torrent', {}, '--seed-time=0');
    expect(await once(child, 'exit')).toEqual([0, null]);
    await stop(seeder, 'SIGINT');
    expect(await readdir(join(dir, 'theirs'))).toEqual(['tree.tar']);
    expect(await run('seed tree.torrent theirs/tree.tar --seed-time 0')).toMatchObject({ exitCode: 0 });
  });

  test('it seeds, slowly: what takes too long fails in time, and goes on later', async () => {
    const limits = ['--seed-ratio=0.0', '--max-overall-upload-limit=1500K'];
    const child = await startAria2('slow', 'big.torrent', { big }, ...limits);
    const { exitCode, message } = await run('fetch big.torrent late --timeout 3');
    expect([exitCode, message]).toEqual([1, expect.stringMatching(/^not done after 3 s: .*\d+ % is here$/)]);
    expect(await run('fetch big.torrent late --seed-time 0')).toMatchObject({ exitCode: 0 });
    expect(await isRight('late')).toBe(true);
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
});

test('a signal is the good end of a tracker, and of all that nothing is left', async () => {
  expect(await stop(tracker, 'SIGTERM')).toMatchObject({ exitCode: 0 });
  expect(running.size).toBe(0);
  expect(await readdir(temp)).toEqual([]);
  expect((await readdir(dir)).filter((name) => name.startsWith('.') || name.endsWith('.part'))).toEqual([]);
});
