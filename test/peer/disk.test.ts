import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toPeerError } from '#peer/peer-error.ts';
import { makeTorrent } from '../support/torrent.ts';
import { at, createPeers, type Peers } from './peers.ts';

const run = promisify(execFile);
let peers: Peers;

beforeEach(async () => {
  peers = await createPeers();
});
afterEach(() => peers.end());

/** A small file system of its own can be made by root only, and not in every container. */
const canMount = await (async () => {
  const probe = await createPeers();
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe.dir]);
    await run('umount', [probe.dir]);
    return true;
  } catch {
    if (process.env.CI) throw new Error('this machine cannot mount a tmpfs');
    process.stderr.write('tests skipped: a small tmpfs cannot be mounted here\n');
    return false;
  } finally {
    await probe.end();
  }
})();

describe('the disk', () => {
  test.skipIf(!canMount)(
    'that is full makes the peer fail with `disk-full`, and what was written stays right',
    async () => {
      const small = join(peers.dir, 'small');
      await mkdir(small);
      await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]);
      try {
        const torrent = makeTorrent(3_000_000);
        const seeder = await peers.seed(torrent);
        const peer = await peers.leech(torrent, { path: join(small, 'content') });
        peer.addPeers([at(seeder)]);
        expect((await peer.failed).code).toBe('disk-full');
        const kept = await readFile(join(small, 'content'));
        await writeFile(join(peers.dir, 'kept'), kept);
        const next = await peers.leech(torrent, { path: join(peers.dir, 'kept') });
        expect(next.progress().pieces).toBeGreaterThan(0);
      } finally {
        await run('umount', [small]);
      }
    },
  );

  test.each([
    ['ENOSPC', 'disk-full'],
    ['EDQUOT', 'disk-full'],
    ['EACCES', 'permission'],
    ['EROFS', 'permission'],
    ['ENOENT', 'order'],
    ['EIO', 'bug'],
  ])('error %s is reported as %s', (code, reported) => {
    expect(toPeerError(Object.assign(new Error('x'), { code })).code).toBe(reported);
  });
});
