import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { inspectHost, parseHostState } from '#release/inspect.ts';
import { findShells } from '../support/shells.ts';
import { type Application, linked, makeApplication, NAMES } from './application.ts';

const cases = findShells().flatMap((shell) => NAMES.map((name) => ({ shell, name, title: `${shell.name}, ${name}` })));

describe.each(cases)('looking at a host ($title)', ({ shell, name }) => {
  let app: Application;
  const inside = (...path: string[]) => join(app.deployTo, ...path);
  beforeEach(async () => {
    app = await makeApplication(shell, name);
  });
  afterEach(() => app.remove());

  test('creates the directories of a deploy, those of linked files among them', async () => {
    expect((await readdir(app.deployTo, { recursive: true })).sort()).toEqual([
      ...['.rookery', '.rookery/incoming', '.rookery/peer', '.rookery/releases'],
      ...['releases', 'shared', 'shared/config', 'shared/log', 'shared/public', 'shared/public/up loads'],
    ]);
  });

  test('names every linked file that is missing, and no other', async () => {
    expect((await app.state()).problems).toEqual(
      linked.linkedFiles.map(
        (file) => `the linked file ${inside('shared', file)} does not exist: create it on this host`,
      ),
    );
    await writeFile(inside('shared/config/db.yml'), '');
    expect((await app.state()).problems).toHaveLength(1);
    await writeFile(inside('shared', linked.linkedFiles[0]!), '');
    expect((await app.state()).problems).toEqual([]);
  });

  test('finds our own releases, those of Capistrano, and the current one', async () => {
    await writeFile(join(await app.addRelease('20260101000000'), '.a file'), '');
    await writeFile(join(await app.addRelease('20260102000000'), 'REVISION'), 'abc123');
    await app.addRelease('20260103000000', 'building\tdef456\tCORP\\new user\t2026-01-03T00:00:00Z\n');
    await app.addRelease('20260104000000', 'published\tdef456\tann\t2026-01-04T00:00:00Z\n');
    await app.addRelease('20260105000000', '');
    await app.addRelease('20260107000000'); // what Capistrano leaves where the branch does not exist
    await app.addRelease('20260108000000', 'failed\t\n');
    await app.addRelease('20260109000000', 'bad\tdef456\t\t\n');
    for (const other of ['tmp', '2026', '20260105000000x', '202601050000000']) await app.addRelease(other);
    await writeFile(inside('releases/20260106000000'), 'a file');
    await symlink(inside('releases/20260104000000'), inside('current'));
    const { releases, current } = await app.state();
    expect(current).toBe('20260104000000');
    expect(releases).toEqual([
      { name: '20260101000000', state: 'foreign' },
      { name: '20260102000000', state: 'foreign', revision: 'abc123' },
      {
        name: '20260103000000',
        state: 'building',
        revision: 'def456',
        by: 'CORP\\new user',
        at: '2026-01-03T00:00:00Z',
      },
      { name: '20260104000000', state: 'published', revision: 'def456', by: 'ann', at: '2026-01-04T00:00:00Z' },
      { name: '20260105000000', state: 'building' },
      { name: '20260107000000', state: 'failed' },
      { name: '20260108000000', state: 'failed' },
      { name: '20260109000000', state: 'bad', revision: 'def456' },
    ]);
  });

  test.each(['releases/20260104000000', './releases/20260104000000/'])(
    'reads a relative link (%s), also where its release is gone',
    async (target) => {
      await symlink(target, inside('current'));
      expect(await app.state()).toMatchObject({ current: '20260104000000', releases: [] });
    },
  );

  test('refuses a current that is a directory', async () => {
    await mkdir(inside('current'));
    const { problems, current } = await app.state();
    expect(current).toBeUndefined();
    expect(problems[0]).toBe(`${inside('current')} is a directory or file, not a link: move it away`);
  });

  test('tells the free space in bytes', async () => {
    expect((await app.state()).freeBytes).toBeGreaterThan(1_000_000);
  });

  test('changes nothing when it only looks, also where nothing was ever deployed', async () => {
    const before = await readdir(app.deployTo, { recursive: true });
    expect(parseHostState(await app.run(inspectHost(inside('nothing here')))).releases).toEqual([]);
    await app.run(inspectHost(app.deployTo, linked));
    expect(await readdir(app.deployTo, { recursive: true })).toEqual(before);
  });
});

test('the greeting of a noisy profile is passed over', () => {
  const state = parseHostState(
    'Welcome!\n\trelease\nrelease notes:\ncurrent\t/a/releases/20260101000000\nfree\t//nas/a share 9 7 2 78% /mnt\n',
  );
  expect(state).toEqual({
    current: '20260101000000',
    link: '/a/releases/20260101000000',
    platform: { loaders: [], tools: [], runtimes: [], runsPrograms: true },
    programs: [],
    releases: [],
    freeBytes: 2048,
    problems: [],
  });
});

test('a host without tar and with Node is told so', () => {
  expect(parseHostState('without\ttar\nnode\tv20.1.0\nfree\t\n')).toMatchObject({
    node: 'v20.1.0',
    problems: ['there is no tar on this host: install it'],
  });
});
