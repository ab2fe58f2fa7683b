import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { dir } from '#config/define-config.ts';
import { UserError } from '#recipe/user-error.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';
import { describeTree, pack, unpacked } from './pack.ts';

let base: string;
let root: string;
beforeEach(async () => {
  base = await makeTempDir('artifact');
  root = join(base, 'app');
  await mkdir(root, { mode: 0o755 });
});
afterEach(() => removeTempDir(base));

const put = async (path: string, content: string | Uint8Array = 'x', mode = 0o644): Promise<void> => {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  await chmod(file, mode);
};
const packApp = () => pack(dir('app'), base);
const names = async () => Object.keys(await unpacked(await packApp()));

describe('a directory arrives as it left', () => {
  test('modes of files and directories, set-user-id among them', async () => {
    await put('bin/run', '#!', 0o755);
    await put('secret', 's', 0o600);
    await put('suid', 's', 0o4755);
    await put('readonly', 'r', 0o444);
    await put('private/file', 'p', 0o640);
    await chmod(join(root, 'private'), 0o700);
    expect(await unpacked(await packApp())).toEqual({
      bin: '755/',
      'bin/run': '755 "#!"',
      private: '700/',
      'private/file': '640 "p"',
      readonly: '444 "r"',
      secret: '600 "s"',
      suid: '4755 "s"',
    });
  });

  test('symlinks, dangling, to directories, absolute and out of the tree, are packed as links and not followed', async () => {
    await put('dir/file');
    const targets = ['dir', 'nowhere', '/etc/passwd', '../../outside', `${'long/'.repeat(40)}target`, 'größe'];
    await Promise.all(targets.map((target, index) => symlink(target, join(root, `link${index}`))));
    const tree = await unpacked(await packApp());
    expect(targets.map((_, index) => tree[`link${index}`])).toEqual(targets.map((target) => `-> ${target}`));
    expect(Object.keys(tree)).toHaveLength(targets.length + 2);
  });

  test('empty files and directories', async () => {
    await put('empty', '');
    await mkdir(join(root, 'a/b'), { recursive: true });
    expect(await unpacked(await packApp())).toEqual({ a: '755/', 'a/b': '755/', empty: '644 ""' });
  });

  test('names in any script and of any length, with spaces, quotes, newlines and backslashes', async () => {
    const long = 'n'.repeat(255);
    const wide = 'ü'.repeat(127);
    const deep = `${'d'.repeat(90)}/`.repeat(5);
    for (const name of [
      'grüße.txt',
      '鴉/🐦‍⬛',
      'e\u0301',
      ' it\'s "a" \n\\n*?',
      '-n',
      '--',
      ' ',
      long,
      wide,
      `${deep}file`,
      `${deep}ö`,
    ]) {
      await put(name, 'content');
    }
    await symlink(`${deep}file`, join(root, 'link'));
    expect(await unpacked(await packApp())).toEqual(await describeTree(root));
  });

  test('4,000 small files', async () => {
    for (let d = 0; d < 20; d++) {
      await mkdir(join(root, `d${d}`));
      await Promise.all(Array.from({ length: 200 }, (_, f) => writeFile(join(root, `d${d}`, `f${f}`), `${d} ${f}`)));
    }
    const { artifact } = await packApp();
    expect(artifact.files).toBe(4000);
    const listing = execFileSync('tar', ['-tf', artifact.path], { encoding: 'utf8', maxBuffer: 1 << 24 }).split('\n');
    expect(listing).toHaveLength(4021);
    expect(execFileSync('tar', ['-xOf', artifact.path, 'd12/f42'], { encoding: 'utf8' })).toBe('12 42');
  });

  test('a file of 3 MB', async () => {
    const bytes = randomBytes(3_000_001);
    await put('big', bytes);
    const { artifact } = await packApp();
    expect(execFileSync('tar', ['-xOf', artifact.path, 'big'], { maxBuffer: 1 << 24 }).equals(bytes)).toBe(true);
  });

  test('times; those before 1970 or after 2038, which not every tar can tell, become the nearest that can be told', async () => {
    for (const [name, time] of [
      ['old', -86_400],
      ['now', 1_790_000_000],
      ['far', 2_500_000_000],
    ] as const) {
      await put(name);
      execFileSync('touch', ['-d', `@${time}`, join(root, name)]);
    }
    const { artifact } = await packApp();
    const listing = execFileSync('tar', ['-tvf', artifact.path, '--full-time', '--utc'], { encoding: 'utf8' });
    expect(listing.match(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \w+/g)).toEqual([
      '2038-01-19 03:14:07 far',
      '2026-09-21 14:13:20 now',
      '1970-01-01 00:00:00 old',
    ]);
  });
});

describe('what stays behind', () => {
  test('.git at any depth, as a directory or a file', async () => {
    await put('.git/config');
    await put('vendor/lib/.git', 'gitdir: elsewhere');
    await put('vendor/lib/code');
    await put('.gitignore', 'code');
    await put('.github/workflow');
    expect(await names()).toEqual([
      '.github',
      '.github/workflow',
      '.gitignore',
      'vendor',
      'vendor/lib',
      'vendor/lib/code',
    ]);
  });

  test('what .deployignore names: patterns, directories, exceptions, as git reads them', async () => {
    await put(
      '.deployignore',
      '# comment\n*.log\n!keep.log\n/top\nnode_modules/\ndocs/**/draft\n\\#hash\nspaces in name\n',
    );
    for (const path of [
      'a.log',
      'keep.log',
      'sub/b.log',
      'sub/keep.log',
      'top',
      'sub/top',
      'node_modules/x/y',
      'sub/node_modules/z',
    ])
      await put(path);
    for (const path of ['docs/a/b/draft', 'docs/final', '#hash', 'spaces in name', 'file/node_modules'])
      await put(path);
    expect((await names()).filter((name) => name !== '.deployignore').sort()).toEqual(
      [
        'docs',
        'docs/a',
        'docs/a/b',
        'docs/final',
        'file',
        'file/node_modules',
        'keep.log',
        'sub',
        'sub/keep.log',
        'sub/top',
      ].sort(),
    );
  });

  test('capitals count', async () => {
    await put('.deployignore', 'build\nREADME\n');
    for (const path of ['Build/a', 'build/b', 'readme', 'README']) await put(path);
    expect(await names()).toEqual(['.deployignore', 'Build', 'Build/a', 'readme']);
  });

  test('a .deployignore with the line ends of Windows', async () => {
    await put('.deployignore', 'a\r\nb/\r\n');
    for (const path of ['a', 'b/c', 'd']) await put(path);
    expect(await names()).toEqual(['.deployignore', 'd']);
  });
});

describe('what cannot be deployed is refused in words', () => {
  const refused = async (words: RegExp) => {
    const error = await packApp().then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).message).toMatch(words);
  };

  test('a name that is not UTF-8', async () => {
    await mkdir(join(root, 'sub'));
    await writeFile(Buffer.concat([Buffer.from(`${root}/sub/caf`), Buffer.from([0xe9])]), 'x');
    await refused(/sub holds a name that is not UTF-8: café/);
  });

  test('a link to a name that is not UTF-8', async () => {
    await symlink(Buffer.from([0x63, 0xe9]), join(root, 'link'));
    await refused(/app\/link points to a name that is not UTF-8: cé/);
  });

  test('a socket', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(root, 'app.sock'), resolve));
    try {
      await refused(/app\.sock is a socket, pipe or device/);
      await put('.deployignore', '*.sock\n');
      expect(await names()).toEqual(['.deployignore']);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test('a pipe, without waiting for somebody to write to it', async () => {
    execFileSync('mkfifo', [join(root, 'pipe')]);
    await refused(/pipe is a socket, pipe or device/);
  });

  test('nothing at all', async () => {
    await mkdir(join(root, 'empty'));
    await refused(/nothing to deploy/);
  });

  test('a directory that does not exist, or is a file, before anything else', async () => {
    await put('file');
    await expect(pack(dir('missing'), base)).rejects.toThrow(/directory missing does not exist/);
    await expect(pack(dir('app/file'), base)).rejects.toThrow(/app\/file is not a directory/);
  });
});

test('the same tree packed twice is the same bytes, in any order of creation', async () => {
  const files = ['b', 'a', 'Z', 'ä', 'sub/b', 'sub/a', 'sub.d/x'];
  const copy = join(base, 'copy');
  for (const name of files) await put(name, name);
  execFileSync('cp', ['-a', root, copy]);
  const first = await packApp();
  const second = await pack(dir('copy'), base);
  expect((await readFile(first.artifact.path)).equals(await readFile(second.artifact.path))).toBe(true);
  expect(second.artifact).toMatchObject({
    sha256: first.artifact.sha256,
    revision: first.artifact.sha256.slice(0, 40),
    files: 7,
  });
});

describe('build steps', () => {
  test('run in order beside the config file, and may make the directory itself', async () => {
    const { artifact, facts } = await pack(dir('dist'), base, {
      build: ['mkdir dist && pwd > dist/where', 'echo "done $((1 + 1))" >> dist/where; echo built >&2'],
    });
    expect(await readFile(join(base, 'dist/where'), 'utf8')).toBe(`${base}\ndone 2\n`);
    expect(artifact.files).toBe(1);
    expect(facts).toContainEqual({
      type: 'local-output',
      command: expect.stringContaining('built'),
      stream: 'stderr',
      text: 'built\n',
    });
  });

  test('that fail are told with their exit code and last lines, and later ones do not run', async () => {
    const failing = pack(dir('app'), base, {
      build: ['echo compiling; echo "no such module" >&2; exit 3', 'touch later'],
    });
    await expect(failing).rejects.toThrow(/failed with exit code 3:\ncompiling\nno such module/);
    expect(Object.keys(await describeTree(base))).not.toContain('later');
  });

  test('that are killed are told with their signal', async () => {
    await expect(pack(dir('app'), base, { build: ['kill -9 $$'] })).rejects.toThrow(/killed by SIGKILL/);
  });

  test('end when the run is interrupted', async () => {
    const abort = new AbortController();
    const packing = pack(dir('app'), base, {
      build: ['echo started; exec sleep 60'],
      signal: abort.signal,
      meanwhile: () => setImmediate(() => abort.abort()),
    });
    await expect(packing).rejects.toThrow(/abort/i);
  });
});
