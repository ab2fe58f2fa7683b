import { execFileSync } from 'node:child_process';
import { lstat, mkdir, readdir, readFile, readlink, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ReleaseFacts } from '#recipe/host-state.ts';
import {
  linkShared,
  logRevision,
  publishRelease,
  removeReleases,
  undoRelease,
  unpackRelease,
} from '#release/release-steps.ts';
import { findShells } from '../support/shells.ts';
import { type Application, linked, makeApplication, NAMES } from './application.ts';
import { watchLink } from './watch-link.ts';

const OLD = '20260101000000';
const NEW = '20260102000000';
const revision = 'a'.repeat(40);
const artifact = { bytes: 1, files: 1, revision, revisionTime: 1767225600, label: 'Branch main' };
const by = "o'neil";
const cases = findShells().flatMap((shell) => NAMES.map((name) => ({ shell, name, title: `${shell.name}, ${name}` })));

describe.each(cases)('on disk ($title)', ({ shell, name }) => {
  let app: Application;
  const inside = (...path: string[]) => join(app.deployTo, ...path);
  const record = async (release: string) =>
    (await readFile(inside('.rookery/releases', release), 'utf8')).replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/, 'TIME');
  const published = (name: string): ReleaseFacts[] => [{ name, state: 'published', revision, by }];
  const publish = (release: string) => app.run(publishRelease(app.deployTo, release, published(release)));
  const left = async () =>
    (await readdir(inside('.rookery'), { recursive: true })).filter((path) => !path.startsWith('releases')).sort();

  beforeEach(async () => {
    app = await makeApplication(shell, name);
  });
  afterEach(() => app.remove());

  describe('unpacking', () => {
    const incoming = () => inside('.rookery/incoming', `${NEW}.tar`);
    beforeEach(async () => {
      const tree = inside('tree');
      await mkdir(join(tree, 'bin'), { recursive: true });
      await writeFile(join(tree, 'bin/run'), '#!/bin/sh\n'.padEnd(5000, '#'), { mode: 0o755 });
      await symlink('bin/run', join(tree, 'link'));
      execFileSync('tar', ['-cf', incoming(), '--owner=12345', '--group=12345', '-C', tree, '.']);
    });

    test('makes the release with its revision, owned by who deploys, and removes the artifact', async () => {
      await app.run(unpackRelease(app.deployTo, NEW, artifact, { by }));
      expect((await readdir(inside('releases', NEW), { recursive: true })).sort()).toEqual([
        'REVISION',
        'REVISION_TIME',
        'bin',
        'bin/run',
        'link',
      ]);
      expect(await readFile(inside('releases', NEW, 'REVISION'), 'utf8')).toBe(`${revision}\n`);
      expect(await readFile(inside('releases', NEW, 'REVISION_TIME'), 'utf8')).toBe('1767225600\n');
      const { mode, uid } = await stat(inside('releases', NEW, 'bin/run'));
      expect([mode & 0o7777, uid]).toEqual([0o755, process.getuid?.()]);
      expect(await left()).toEqual(['incoming', 'peer']);
      expect(await record(NEW)).toBe(`building\t${revision}\t${by}\n`);
    });

    test('never touches a release that is there already, unless it shall be replaced', async () => {
      await writeFile(join(await app.addRelease(NEW), 'precious'), '');
      const { step } = await app.refused(unpackRelease(app.deployTo, NEW, artifact, { by }));
      expect(step).toBe(`create ${inside('releases', NEW)}`);
      expect(await readdir(inside('releases', NEW))).toEqual(['precious']);
      await app.run(unpackRelease(app.deployTo, NEW, artifact, { by, replace: true }));
      expect((await readdir(inside('releases', NEW))).sort()).toEqual(['REVISION', 'REVISION_TIME', 'bin', 'link']);
    });

    test('says so when the artifact is cut short', async () => {
      await writeFile(incoming(), (await readFile(incoming())).subarray(0, 4000));
      expect(await app.refused(unpackRelease(app.deployTo, NEW, artifact, { by }))).toMatchObject({
        step: 'unpack the artifact',
      });
      expect((await app.state()).releases).toMatchObject([{ name: NEW, state: 'building' }]);
    });
  });

  describe('linking', () => {
    const release = () => inside('releases', NEW);
    const link = () => app.run(linkShared(app.deployTo, NEW, linked, { revision, by }));
    beforeEach(() => app.addRelease(NEW));

    test('puts a link for every shared file and directory, in place of what the release brought', async () => {
      await mkdir(join(release(), 'log/old'), { recursive: true });
      await mkdir(join(release(), 'config'));
      await writeFile(join(release(), 'config/db.yml'), 'from the release');
      await writeFile(join(release(), 'config/other.yml'), 'stays');
      await writeFile(inside('shared/config/db.yml'), 'shared');
      await link();
      for (const path of [...linked.linkedDirs, ...linked.linkedFiles]) {
        expect(await readlink(join(release(), path))).toBe(inside('shared', path));
      }
      expect(await readFile(join(release(), 'config/db.yml'), 'utf8')).toBe('shared');
      expect(await readFile(join(release(), 'config/other.yml'), 'utf8')).toBe('stays');
      expect(await record(NEW)).toBe(`ready\t${revision}\t${by}\n`);
    });

    test('may be done twice, and never reaches through a link into shared', async () => {
      await writeFile(inside('shared/log/today'), 'precious');
      await link();
      await link();
      expect(await readFile(join(release(), 'log/today'), 'utf8')).toBe('precious');
      expect(await readdir(inside('shared/log'))).toEqual(['today']);
    });

    test('what lies in a linked directory comes with it, and is left as it is', async () => {
      await mkdir(inside('shared/log/app'));
      await writeFile(inside('shared/log/app/today'), 'precious');
      await writeFile(inside('shared/log/level'), 'debug');
      const both = { linkedDirs: ['log/app', 'log'], linkedFiles: ['log/level'] };
      await app.run(linkShared(app.deployTo, NEW, both, { revision, by }));
      expect(await readFile(join(release(), 'log/app/today'), 'utf8')).toBe('precious');
      expect(await readFile(join(release(), 'log/level'), 'utf8')).toBe('debug');
      expect((await lstat(inside('shared/log/app'))).isDirectory()).toBe(true);
    });

    test('a path with a slash at its end is the same as without', async () => {
      await app.run(linkShared(app.deployTo, NEW, { linkedDirs: ['log/'], linkedFiles: [] }, { revision, by }));
      expect(await readlink(join(release(), 'log'))).toBe(inside('shared/log'));
    });
  });

  describe('switching', () => {
    beforeEach(() => Promise.all([app.addRelease(OLD), app.addRelease(NEW)]));

    test('makes the first current, absolute, and records that the release has served', async () => {
      await publish(NEW);
      expect(await readlink(inside('current'))).toBe(inside('releases', NEW));
      expect(await record(NEW)).toBe(`published\t${revision}\t${by}\tTIME\n`);
      expect(await left()).toEqual(['incoming', 'peer']);
    });

    test('replaces a link, relative or absolute, and leaves the release that it pointed to as it was', async () => {
      await symlink(`releases/${OLD}`, inside('current'));
      await publish(NEW);
      expect(await readlink(inside('current'))).toBe(inside('releases', NEW));
      await publish(OLD);
      expect(await readlink(inside('current'))).toBe(inside('releases', OLD));
      expect([await readdir(inside('releases', OLD)), await readdir(inside('releases', NEW))]).toEqual([[], []]);
    });

    test('replaces a link to nothing', async () => {
      await symlink('releases/20250101000000', inside('current'));
      await publish(NEW);
      expect(await readlink(inside('current'))).toBe(inside('releases', NEW));
    });

    test('a reader never finds current missing', async () => {
      await publish(OLD);
      const reader = await watchLink(inside('current'));
      for (let i = 0; i < 12; i++) await publish(i % 2 === 0 ? NEW : OLD);
      const { reads, missing, targets } = await reader.stop();
      expect(missing).toBe(0);
      expect(reads).toBeGreaterThan(100);
      expect(targets).toEqual([inside('releases', OLD), inside('releases', NEW)].sort());
    });

    test('does not mind what an earlier switch left behind', async () => {
      await symlink('nowhere', inside('.rookery/current'));
      await publish(NEW);
      expect(await readlink(inside('current'))).toBe(inside('releases', NEW));
      expect(await left()).toEqual(['incoming', 'peer']);
    });

    test('refuses a current that is a directory, and changes nothing in it', async () => {
      await mkdir(inside('current'));
      await writeFile(inside('current/precious'), '');
      const { step } = await app.refused(publishRelease(app.deployTo, NEW, published(NEW)));
      expect(step).toBe(`switch current to release ${NEW}`);
      expect(await readdir(inside('current'))).toEqual(['precious']);
      expect(await readdir(inside('.rookery/releases'))).toEqual([]);
    });

    test('refuses a release that is not there, and changes nothing', async () => {
      await publish(OLD);
      const { step } = await app.refused(publishRelease(app.deployTo, '20270101000000', []));
      expect(step).toBe('find release 20270101000000');
      expect(await readlink(inside('current'))).toBe(inside('releases', OLD));
    });
  });

  describe('undoing', () => {
    const link = (release: string) => inside('releases', release);
    const undo = (previous: string | undefined) =>
      app.run(undoRelease(app.deployTo, NEW, previous === undefined ? undefined : link(previous)));
    beforeEach(async () => {
      await app.addRelease(OLD, 'published\n');
      await writeFile(join(await app.addRelease(NEW, 'ready\n'), 'file'), '');
      await writeFile(inside('.rookery/incoming', `${NEW}.tar`), 'half');
    });
    const traces = async () =>
      (await readdir(app.deployTo, { recursive: true })).filter(
        (path) => path.includes(NEW) || path.includes('switch'),
      );

    test('before the switch removes the release and leaves current alone', async () => {
      await publish(OLD);
      expect(await undo(OLD)).toBe('untouched\n');
      expect(await readlink(inside('current'))).toBe(inside('releases', OLD));
      expect(await traces()).toEqual([]);
    });

    test('in the middle of the switch removes what was prepared', async () => {
      await publish(OLD);
      await symlink(inside('releases', NEW), inside('.rookery/current'));
      expect(await undo(OLD)).toBe('untouched\n');
      expect(await traces()).toEqual([]);
    });

    test('after the switch goes back to the previous release', async () => {
      await publish(OLD);
      await publish(NEW);
      expect(await undo(OLD)).toBe('reverted\n');
      expect(await readlink(inside('current'))).toBe(inside('releases', OLD));
      expect(await traces()).toEqual([]);
    });

    test('goes back without a moment in which current is missing', async () => {
      await publish(NEW);
      const reader = await watchLink(inside('current'));
      await undo(OLD);
      expect((await reader.stop()).missing).toBe(0);
    });

    test('of the first deploy leaves no current, before and after the switch', async () => {
      expect(await undo(undefined)).toBe('untouched\n');
      await app.addRelease(NEW);
      await publish(NEW);
      expect(await undo(undefined)).toBe('reverted\n');
      await expect(lstat(inside('current'))).rejects.toThrow('ENOENT');
      expect(await traces()).toEqual([]);
    });

    test('knows a relative link to the release, too', async () => {
      await symlink(`releases/${NEW}`, inside('current'));
      expect(await undo(OLD)).toBe('reverted\n');
      expect(await readlink(inside('current'))).toBe(inside('releases', OLD));
    });

    test.each(['../by hand', 'releases/by hand'])('goes back to a directory that is no release: %s', async (target) => {
      await mkdir(inside(target), { recursive: true });
      await publish(NEW);
      expect(await app.run(undoRelease(app.deployTo, NEW, target))).toBe('reverted\n');
      expect(await readlink(inside('current'))).toBe(target);
      expect(await traces()).toEqual([]);
    });

    test('never removes what serves', async () => {
      await publish(NEW);
      expect(await undo(NEW)).toBe('untouched\n');
      expect(await readdir(inside('releases', NEW))).toEqual(['file']);
      expect(await record(NEW)).toMatch(/^published/);
    });

    test('keeps the release where going back is impossible: it still serves', async () => {
      await publish(NEW);
      await rename(inside('releases', OLD), inside('moved'));
      await app.refused(undoRelease(app.deployTo, NEW, link(OLD)));
      expect(await readdir(inside('releases', NEW))).toEqual(['file']);
      expect(await readlink(inside('current'))).toBe(inside('releases', NEW));
    });

    test('twice is as good as once, and without anything to undo it succeeds', async () => {
      await publish(OLD);
      await undo(OLD);
      expect(await undo(OLD)).toBe('untouched\n');
    });
  });

  test('removing releases takes their records with them and nothing else', async () => {
    for (const release of [OLD, NEW]) await writeFile(join(await app.addRelease(release, 'published\n'), 'file'), '');
    await app.run(removeReleases(app.deployTo, [OLD]));
    expect([await readdir(inside('releases')), await readdir(inside('.rookery/releases'))]).toEqual([[NEW], [NEW]]);
    expect(await readdir(inside('shared'))).not.toEqual([]);
  });

  test('the log gets one line for each deploy, as it is written', async () => {
    const lines = ["Branch it's \\n $x (at abc) deployed as release 1 by CORP\\new", '-n'];
    for (const line of lines) await app.run(logRevision(app.deployTo, line));
    expect(await readFile(inside('revisions.log'), 'utf8')).toBe(lines.map((line) => `${line}\n`).join(''));
  });
});
