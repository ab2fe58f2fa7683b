import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Stranger } from '#peer/start-peer.ts';
import { needs } from '../support/tools.ts';
import { makeTorrent, type TestTorrent } from '../support/torrent.ts';
import { startTestTracker, type TestTracker } from '../support/tracker.ts';
import { createPeers, finished, type Peers } from './peers.ts';

let peers: Peers;
let tracker: TestTracker;
const children: ChildProcess[] = [];

beforeEach(async () => {
  peers = await createPeers();
  tracker = await startTestTracker();
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  await peers.end();
  await tracker.close();
});

/** aria2c on the torrent in a directory of its own; `content` is there where it seeds. */
const startAria2 = async (torrent: TestTorrent, seeds: boolean): Promise<{ child: ChildProcess; content: string }> => {
  const dir = peers.path();
  await mkdir(dir);
  const file = join(dir, 'it.torrent');
  const content = join(dir, 'content');
  await writeFile(file, torrent.metainfo);
  if (seeds) await writeFile(content, torrent.content);
  const child = spawn(
    'aria2c',
    [
      ...['--no-conf', '--quiet', '--enable-dht=false', '--enable-dht6=false', '--bt-enable-lpd=false'],
      ...['--enable-peer-exchange=false', '--disable-ipv6=true', '--bt-external-ip=127.0.0.1', '--interface=127.0.0.1'],
      ...['--check-integrity=true', '--allow-overwrite=true', '--listen-port=42300-42399', '--bt-tracker-interval=1'],
      ...(seeds ? ['--seed-ratio=0.0'] : ['--seed-time=0']),
      ...[`--dir=${dir}`, file],
    ],
    { stdio: 'ignore' },
  );
  children.push(child);
  return { child, content };
};

describe.skipIf(!needs('aria2c'))('an unmodified aria2c', () => {
  test('downloads a right copy from our seeder', async () => {
    const torrent = makeTorrent(4_000_000, undefined, tracker.url);
    await peers.seed(torrent, { announce: [tracker.url] });
    const { child, content } = await startAria2(torrent, false);
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(torrent.content.equals(await readFile(content))).toBe(true);
  });

  test('downloads a right copy from our peer alone, once the seeder is gone', async () => {
    const torrent = makeTorrent(4_000_000, undefined, tracker.url);
    const announce = [tracker.url];
    const seeder = await peers.seed(torrent, { announce });
    const peer = await peers.leech(torrent, { announce });
    await finished(peer);
    await seeder.stop();
    const { child, content } = await startAria2(torrent, false);
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(torrent.content.equals(await readFile(content))).toBe(true);
    expect(peer.progress().uploaded).toBeGreaterThanOrEqual(torrent.content.length);
  });

  test('seeds to our peer, which asks it for 16 KiB at a time, though its own blocks are larger', async () => {
    const torrent = makeTorrent(4_000_000, 512 * 1024, tracker.url);
    const known = tracker.next('start');
    await startAria2(torrent, true);
    await known;
    const path = peers.path();
    await finished(await peers.leech(torrent, { announce: [tracker.url], path }));
    expect(torrent.content.equals(await readFile(path))).toBe(true);
  });

  test('gets nothing from a swarm with a key, whose own peers complete beside it', async () => {
    const torrent = makeTorrent(4_000_000, undefined, tracker.url);
    const own = { announce: [tracker.url], key: randomBytes(32) };
    const known = tracker.next('start');
    const { child, content } = await startAria2(torrent, false);
    await known;
    const path = peers.path();
    const knocked = new Promise<void>((resolve) => {
      const strange = ({ mismatch }: Stranger) => mismatch === 'plain' && resolve();
      void peers.seed(torrent, { ...own, strange });
    });
    await finished(await peers.leech(torrent, { ...own, path }));
    expect(torrent.content.equals(await readFile(path))).toBe(true);
    await knocked; // it came with a handshake of its own
    child.kill();
    await once(child, 'exit');
    const got = await readFile(content).catch(() => Buffer.alloc(0)); // it may make room ahead
    expect(got.every((byte) => byte === 0)).toBe(true);
  });

  test('seeds to and leeches from a mixed swarm, in which nobody loads much more than one copy', async () => {
    const torrent = makeTorrent(8_000_000, 512 * 1024, tracker.url, { sha256Pieces: true });
    const announce = [tracker.url];
    const known = tracker.next('start');
    await startAria2(torrent, true);
    await known;
    const seeder = await peers.seed(torrent, { announce });
    const paths = [peers.path(), peers.path()];
    const own = await Promise.all(paths.map((path) => peers.leech(torrent, { announce, path })));
    const foreign = await Promise.all([startAria2(torrent, false), startAria2(torrent, false)]);
    const ends = foreign.map(({ child }) => once(child, 'exit'));
    await Promise.all(own.map(finished));
    expect(await Promise.all(ends)).toEqual([
      [0, null],
      [0, null],
    ]);
    for (const path of [...paths, ...foreign.map(({ content }) => content)]) {
      expect(torrent.content.equals(await readFile(path))).toBe(true);
    }
    for (const peer of own) expect(peer.progress().downloaded).toBeLessThan(1.1 * torrent.content.length);
    expect(seeder.progress().downloaded).toBe(0);
  });
});
