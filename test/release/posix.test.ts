import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { type Command, shellText } from '#protocol/shell.ts';
import type { ReleaseFacts } from '#recipe/host-state.ts';
import { inspectHost, prepareHost } from '#release/inspect.ts';
import { breakLock, giveBackLock, guardLock, leaveLock } from '#release/lock-programs.ts';
import { clearIncoming, lookAtTarget, placeDirectory, placeFile } from '#release/place-steps.ts';
import {
  linkShared,
  logRevision,
  publishRelease,
  removeReleases,
  undoRelease,
  undoRollback,
  unpackRelease,
} from '#release/release-steps.ts';
import { receiveRuntime } from '#runtime/host-commands.ts';
import { NODE_PACKAGES } from '#runtime/node-packages.ts';
import { needs } from '../support/tools.ts';
import { linked } from './application.ts';
import { platform } from './platform.ts';

const to = "/var/www/it's a shop";
const release = '20260101000000';
const artifact = { bytes: 1, files: 1, revision: 'abc', revisionTime: 1, label: 'Branch main' };
const left = '20260102000000';
const records: ReleaseFacts[] = [{ name: release, state: 'published', revision: 'abc', by: 'ann' }];
const releases: ReleaseFacts[] = [
  { name: release, state: 'bad', by: "o'neil" },
  { name: left, state: 'foreign' },
];
const owner = { by: "o'neil", machine: 'laptop', at: '2026-11-20T08:15:30.000Z', task: 'deploy', id: '1-2' };
const commands: [string, Command][] = [
  ['prepareHost', prepareHost(to, linked)],
  ['inspectHost', inspectHost(to)],
  ['unpackRelease', unpackRelease(to, release, artifact, { by: 'ann', replace: true })],
  ['linkShared', linkShared(to, release, linked, { revision: 'abc', by: 'ann' })],
  ['publishRelease', publishRelease(to, release, records)],
  ['undoRelease', undoRelease(to, release, '/a/releases/20250101000000')],
  ['undoRelease of a first deploy', undoRelease(to, release, undefined)],
  [
    'undoRollback',
    undoRollback(to, release, {
      link: '/a',
      current: left,
      releases,
      platform,
      programs: [],
      freeBytes: 0,
      problems: [],
    }),
  ],
  ['removeReleases', removeReleases(to, [release])],
  ['logRevision', logRevision(to, 'Branch main')],
  ['guardLock', guardLock(to, owner)],
  ['leaveLock', leaveLock(to, { ...owner, message: "it's late" }, owner)],
  ['giveBackLock', giveBackLock(to, owner)],
  ['breakLock', breakLock(to)],
  ['placeFile', placeFile('/tmp/a', `${to}/b`, { name: 'a', mode: 0o644, modified: 1 })],
  ['placeDirectory', placeDirectory('/tmp/a', to, { remove: false, leaves: ['/tmp/a'] })],
  ['placeDirectory as a whole', placeDirectory('/tmp/a', to, { remove: true, mode: 0o755 })],
  ['lookAtTarget for a directory', lookAtTarget(to, { kind: 'directory', name: 'a', remove: true })],
  ['lookAtTarget for a file', lookAtTarget(to, { kind: 'file', name: 'a', remove: false })],
  [
    'receiveRuntime',
    receiveRuntime({ runtimes: '/var/www/a shop', runtime: NODE_PACKAGES[0]!, source: ['cat'], compressed: true }),
  ],
  ['clearIncoming', clearIncoming(to, '/tmp/a')],
];

describe.each(commands)('%s', (_, command) => {
  const text = shellText(command);

  test.skipIf(!needs('dash'))('is read by dash', () => {
    expect(spawnSync('dash', ['-n', '-c', text], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });

  test.skipIf(!needs('busybox'))('is read by busybox', () => {
    expect(spawnSync('busybox', ['sh', '-n', '-c', text], { encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
  });

  test('is no longer than what one argument of a program may hold on Linux', () => {
    expect(Buffer.byteLength(text)).toBeLessThan(128 * 1024);
  });
});

/** ShellCheck knows POSIX better than any shell does. */
test.skipIf(!needs('shellcheck'))('ShellCheck finds nothing beyond POSIX, and no mistake', () => {
  for (const [name, command] of commands) {
    const args = ['-s', 'sh', '-S', 'warning', '-e', 'SC2043,SC2319,SC2320', '-f', 'gcc', '-'];
    expect([
      name,
      spawnSync('shellcheck', args, { input: `${shellText(command)}\n`, encoding: 'utf8' }).stdout,
    ]).toEqual([name, '']);
  }
  expect(() => execFileSync('shellcheck', ['-s', 'sh', '-'], { input: '[[ a == b ]]\n', stdio: 'pipe' })).toThrow();
});
