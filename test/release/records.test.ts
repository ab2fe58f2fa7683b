import { readdir, readFile, readlink, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sh } from '#protocol/shell.ts';
import type { HostState } from '#recipe/host-state.ts';
import { inspectHost, parseHostState } from '#release/inspect.ts';
import { recordsOfDeploy, recordsOfRollback } from '#release/records.ts';
import { publishRelease, removeReleases, undoRollback } from '#release/release-steps.ts';
import { findShells } from '../support/shells.ts';
import { type Application, makeApplication, NAMES } from './application.ts';

const OLD = '20260101000000';
const NEW = '20260102000000';

describe.each(findShells())('records on disk ($name)', (shell) => {
  let app: Application;
  const inside = (...path: string[]) => join(app.deployTo, ...path);
  const record = (release: string) => readFile(inside('.rookery/releases', release), 'utf8');
  beforeEach(async () => {
    app = await makeApplication(shell, NAMES[1]);
  });
  afterEach(() => app.remove());

  describe('returning to an earlier release', () => {
    const hostWith = async (current: string, ...records: [string, string | undefined][]) => {
      for (const [name, line] of records) await app.addRelease(name, line);
      await symlink(inside('releases', current), inside('current'));
      return app.state();
    };
    const returnTo = (release: string, state: HostState) =>
      app.run(publishRelease(app.deployTo, release, recordsOfRollback(state, release)));
    const undo = (release: string, state: HostState) => app.run(undoRollback(app.deployTo, release, state));
    const good = `published\tabc\tann\t2026-01-01T00:00:00Z\n`;

    test('marks what it leaves as bad, with what is known of it, and leaves the record of the earlier one alone', async () => {
      await returnTo(OLD, await hostWith(NEW, [OLD, good], [NEW, good]));
      expect(await readlink(inside('current'))).toBe(inside('releases', OLD));
      expect([await record(OLD), await record(NEW)]).toEqual([good, good.replace('published', 'bad')]);
    });

    test('undone, it leaves everything as it was', async () => {
      const state = await hostWith(NEW, [OLD, good.replace('published', 'bad')], [NEW, good]);
      await returnTo(OLD, state);
      expect(await record(OLD)).toBe(good);
      expect(await undo(OLD, state)).toBe('reverted\n');
      expect(await undo(OLD, state)).toBe('untouched\n');
      expect(await app.state()).toEqual({ ...state, freeBytes: expect.any(Number) });
      expect((await readdir(inside('.rookery'))).sort()).toEqual(['incoming', 'peer', 'releases']);
    });

    test('on a host of Capistrano that we never deployed to: its releases get a record or none, and stay as they are', async () => {
      await rename(inside('.rookery/releases'), inside('.rookery/peer/moved'));
      const file = join(await app.addRelease(OLD), 'REVISION');
      await writeFile(file, 'abc\n');
      const state = parseHostState(await app.run(inspectHost(app.deployTo)));
      expect(state).toMatchObject({ releases: [{ name: OLD, state: 'foreign' }] });
      await writeFile(join(await app.addRelease(NEW), 'REVISION'), 'def\n');
      await symlink(`releases/${NEW}`, inside('current'));
      const both = parseHostState(await app.run(inspectHost(app.deployTo)));
      await app.run(publishRelease(app.deployTo, OLD, recordsOfRollback(both, OLD)));
      expect(await readdir(inside('.rookery/releases'))).toEqual([NEW]);
      expect(await record(NEW)).toBe('bad\tdef\t\t\n');
      expect(await readdir(inside('releases', NEW))).toEqual(['REVISION']);
      expect(await undo(OLD, both)).toBe('reverted\n');
      expect(await readdir(inside('.rookery/releases'))).toEqual([]);
      expect(await readlink(inside('current'))).toBe(`releases/${NEW}`);
    });

    test('to what a host served already changes nothing there, nor does undoing that', async () => {
      const state = await hostWith(OLD, [OLD, good], [NEW, good]);
      await returnTo(OLD, state);
      expect(await undo(OLD, state)).toBe('untouched\n');
      expect(await app.state()).toEqual({ ...state, freeBytes: expect.any(Number) });
    });
  });

  test('a deploy marks what another tool has left above the release that serves: nobody shall return to it', async () => {
    const [older, serving, failed] = ['20260101000000', '20260102000000', '20260103000000'];
    for (const name of [older, serving, failed]) await writeFile(join(await app.addRelease(name), 'REVISION'), name);
    await symlink(inside('releases', serving), inside('current'));
    const state = await app.state();
    await app.addRelease('20260104000000');
    const release = { name: '20260104000000', revision: 'abc', by: 'ann' };
    await app.run(publishRelease(app.deployTo, release.name, recordsOfDeploy(state, release)));
    expect((await app.state()).releases.map(({ state }) => state)).toEqual([
      ...['foreign', 'foreign', 'failed', 'published'],
    ]);
  });

  test('a release that cannot be removed is marked as failed, and does not keep the others', async () => {
    await app.addRelease(OLD, 'published\tabc\tann\t2026-01-01T00:00:00Z\n');
    await app.addRelease('20260101000001');
    await app.addRelease(NEW, 'published\n');
    const refusing = sh`rm() {
  o=$1 t=0; shift
  for f; do case $f in */${OLD}|*/20260101000001) echo 'rm: busy' >&2; t=1;; *) command rm $o "$f" || t=1;; esac; done
  return $t
}
${removeReleases(app.deployTo, [OLD, '20260101000001', NEW])}`;
    expect(await app.refused(refusing)).toEqual({ stderr: 'rm: busy\nrm: busy\n' });
    expect(await readdir(inside('releases'))).toEqual([OLD, '20260101000001']);
    expect([await record(OLD), await record('20260101000001')]).toEqual([
      'failed\tabc\tann\t2026-01-01T00:00:00Z\n',
      'failed\t\n',
    ]);
    expect(await readdir(inside('.rookery/releases'))).toEqual([OLD, '20260101000001']);
  });
});
