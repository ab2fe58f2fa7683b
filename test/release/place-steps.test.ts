import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lookAtTarget, placeDirectory, placeFile } from '#release/place-steps.ts';
import { type Content, writeContent } from '../support/content.ts';
import { findShells } from '../support/shells.ts';
import { type Application, makeApplication, NAMES } from './application.ts';

/** The oddest name alone: what holds there holds for plain ones. */
const name = NAMES.at(-1);
const cases = findShells().map((shell) => ({ shell, title: shell.name }));
const facts = { name: "it's.bin", mode: 0o640, modified: 1_790_000_000 };

describe.each(cases)('placing ($title)', ({ shell }) => {
  let app: Application;
  const at = (...path: string[]) => join(app.deployTo, ...path);
  /** Everything below the target's directory, what is not final too. */
  const all = async () => (await readdir(at('data'), { recursive: true })).sort();
  const text = (...path: string[]) => readFile(at('data', ...path), 'utf8');
  beforeEach(async () => {
    app = await makeApplication(shell, name);
    await mkdir(at('data'));
  });
  afterEach(() => app.remove());

  describe('a file', () => {
    const from = () => at('.rookery/incoming/it');
    const place = (to: string) => app.run(placeFile(from(), to, facts));
    beforeEach(() => writeFile(from(), 'new', { mode: 0o600 }));
    afterEach(async () => expect(await readdir(at('.rookery/incoming'))).toEqual([]));

    test('comes with its permissions and its time, directories are made', async () => {
      await place(at('data/a b/c/big.bin'));
      expect(await all()).toEqual(['a b', 'a b/c', 'a b/c/big.bin']);
      const { mode, mtimeMs } = await stat(at('data/a b/c/big.bin'));
      expect([mode & 0o7777, mtimeMs / 1000]).toEqual([0o640, facts.modified]);
    });

    test('takes the place of a file, and of a link, not of what that leads to', async () => {
      await writeContent(at('data'), { old: 'old', link: { link: 'old' } });
      await place(at('data/link'));
      expect([await all(), await text('link'), await text('old')]).toEqual([['link', 'old'], 'new', 'old']);
    });

    test('goes into a directory under its own name, and not over a directory of that name', async () => {
      await place(at('data'));
      expect(await all()).toEqual([facts.name]);
      await writeFile(from(), 'new');
      await place(`${at('data/made')}/`);
      expect(await all()).toEqual([facts.name, 'made', `made/${facts.name}`].sort());
      await writeFile(from(), 'newer');
      await mkdir(at('data/sub', facts.name), { recursive: true });
      const { stderr } = await app.refused(placeFile(from(), at('data/sub'), facts));
      expect(stderr).toContain('is a directory');
    });
  });

  describe('a directory', () => {
    const tar = () => at('.rookery/incoming/it');
    const pack = async (content: Content) => {
      const tree = at('.rookery/tree');
      await writeContent(tree, content);
      execFileSync('tar', ['-cf', tar(), '-C', tree, '.']);
    };
    const place = (to: string, remove = false) =>
      app.run(placeDirectory(tar(), to, { remove, mode: 0o750, leaves: [tar()] }));
    beforeEach(() => pack({ a: 'new a', '.hidden': 'new', 'sub/b': 'new b', 'sub/new/c': 'c', link: { link: 'a' } }));
    afterEach(async () => expect(await readdir(at('.rookery/incoming'))).toEqual([]));

    const placed = ['.hidden', 'a', 'link', 'sub', 'sub/b', 'sub/new', 'sub/new/c'];

    test('that is not there yet is there at once, with its permissions', async () => {
      await place(at('data/site/one'));
      expect(await all()).toEqual(['site', 'site/one', ...placed.map((path) => `site/one/${path}`)]);
      expect((await stat(at('data/site/one'))).mode & 0o7777).toBe(0o750);
      expect(await readlink(at('data/site/one/link'))).toBe('a');
    });

    test('is added to what is there: files are replaced, others stay, links are followed to directories alone', async () => {
      await writeContent(at('data'), {
        a: 'old a',
        keep: 'keep',
        'sub/keep': 'keep',
        'real/b': 'old',
        precious: 'precious',
      });
      await writeContent(at('data'), { link: { link: 'real' }, '.hidden': { link: 'precious' } });
      await place(at('data'));
      expect(await all()).toEqual([...placed, 'keep', 'precious', 'real', 'real/b', 'sub/keep'].sort());
      expect([await text('a'), await text('sub/b'), await text('keep')]).toEqual(['new a', 'new b', 'keep']);
      expect([await text('precious'), await text('.hidden'), await readlink(at('data/link'))]).toEqual([
        'precious',
        'new',
        'a',
      ]);
    });

    test('with many files', async () => {
      const many = Object.fromEntries(Array.from({ length: 250 }, (_, index) => [`sub/file ${index}`, `${index}`]));
      await mkdir(at('data/sub'));
      await pack(many);
      await place(at('data'));
      expect((await readdir(at('data/sub'))).length).toBe(252);
      expect(await text('sub/file 249')).toBe('249');
    });

    test.each([
      ['a file where it has a directory', { sub: 'file' }, 'data/sub is no directory'],
      ['a directory where it has a file', { 'a/b': 'x' }, 'data/a is a directory'],
    ])('%s: nothing of it is placed', async (_, content, words) => {
      await writeContent(at('data'), content);
      const before = await all();
      const { stderr } = await app.refused(placeDirectory(tar(), at('data'), { remove: false, leaves: [tar()] }));
      expect(stderr).toContain(words);
      expect(await all()).toEqual(before);
    });

    test('replaces one as a whole where that is asked for, through a link, too', async () => {
      await writeContent(at('data'), { 'site/old/x': 'old', 'site/a': 'old a', now: { link: 'site' } });
      await place(at('data/now'), true);
      expect((await readdir(at('data/site'), { recursive: true })).sort()).toEqual(placed);
      expect([await readdir(at('data')), await readlink(at('data/now'))]).toEqual([['now', 'site'], 'site']);
    });

    test('that does not unpack leaves everything as it was', async () => {
      await writeContent(at('data'), { 'site/old': 'old' });
      await writeFile(tar(), 'no tar');
      for (const remove of [false, true]) {
        await app.refused(placeDirectory(tar(), at('data/site'), { remove }));
        expect(await all()).toEqual(['site', 'site/old']);
      }
      await app.refused(placeDirectory(tar(), at('data/site/old'), { remove: true, leaves: [tar()] }));
      expect(await all()).toEqual(['site', 'site/old']);
    });
  });

  test('a look before: what is there, and whether it could be placed', async () => {
    await writeContent(at('data'), { file: '' });
    await symlink('nowhere', at('data/lost'));
    await mkdir(at('data/full', facts.name), { recursive: true });
    const look = (path: string, kind: 'file' | 'directory' = 'file') =>
      app.run(lookAtTarget(at('data', path), { ...facts, kind, remove: false }));
    expect([await look(''), await look('file'), await look('lost'), await look('new/one')]).toEqual([
      ...['directory\n', 'file\n', 'file\n', 'nothing\n'],
    ]);
    expect([await look('new', 'directory'), await look('new/')]).toEqual(['nothing\n', 'nothing\n']);
    expect(
      (await app.refused(lookAtTarget(at('data/full'), { ...facts, kind: 'file', remove: false }))).stderr,
    ).toContain('is a directory');
    for (const path of ['file', 'lost'])
      expect(
        (await app.refused(lookAtTarget(at('data', path), { ...facts, kind: 'directory', remove: false }))).stderr,
      ).toContain('is no directory');
  });

  test.skipIf(process.getuid?.() === 0)('a look before: a directory that is not to be written to', async () => {
    await chmod(at('data'), 0o555);
    const { stderr } = await app.refused(lookAtTarget(at('data/new/file'), { ...facts, kind: 'file', remove: false }));
    expect(stderr).toContain(`permission denied: cannot write to ${at('data')}`);
    await chmod(at('data'), 0o755);
  });
});
