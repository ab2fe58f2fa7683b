import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { resolveSource } from '#artifact/resolve-source.ts';
import { git } from '#config/define-config.ts';
import { UserError } from '#recipe/user-error.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';
import { needs } from '../support/tools.ts';
import { pack, unpacked } from './pack.ts';

const NOBODY = {
  ...{ GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' },
  ...{ GIT_AUTHOR_DATE: '2026-01-02T03:04:05Z', GIT_COMMITTER_DATE: '2026-01-02T03:04:05Z' },
};

/** What `git lfs install` writes. */
const LFS =
  '[filter "lfs"]\nclean = git-lfs clean -- %f\nsmudge = git-lfs smudge -- %f\nprocess = git-lfs filter-process\n';

describe.skipIf(!needs('git'))('a git source', () => {
  let base: string;
  let repository: string;
  const run = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.com', ...args], {
      cwd: repository,
      encoding: 'utf8',
      env: { ...process.env, ...NOBODY },
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  const put = async (path: string, content: string): Promise<void> => {
    await mkdir(dirname(join(repository, path)), { recursive: true });
    await writeFile(join(repository, path), content);
  };
  const commit = (message: string): string => {
    run('add', '--all');
    run('commit', '--quiet', '--message', message);
    return run('rev-parse', 'HEAD');
  };

  let first: string;
  let second: string;
  beforeEach(async () => {
    base = await makeTempDir('git');
    repository = join(base, 'app');
    await mkdir(repository);
    run('init', '--quiet', '--initial-branch=main');
    await put('version', 'one');
    first = commit('first');
    run('tag', '-a', 'v1', '-m', 'annotated');
    await put('version', 'two');
    second = commit('second');
    run('branch', 'topic', first);
    run('checkout', '--quiet', 'main');
  });
  afterEach(() => removeTempDir(base));

  const deployed = async (options: Parameters<typeof git>[0] = {}, from = repository) => {
    const packed = await pack(git(options), from);
    return { revision: packed.artifact.revision, tree: await unpacked(packed), artifact: packed.artifact };
  };

  test('is the commit that is checked out, unless a ref is given', async () => {
    const { revision, tree, artifact } = await deployed();
    expect({ revision, tree }).toEqual({ revision: second, tree: { version: '644 "two"' } });
    expect(artifact.label).toBe('Branch HEAD');
    expect(artifact.revisionTime).toBe(Number(run('show', '-s', '--format=%ct', second)));
    run('checkout', '--quiet', first);
    expect((await deployed()).revision).toBe(first);
  });

  test.each([
    ['a branch', () => 'topic'],
    ['an annotated tag, as the commit that it points to', () => 'v1'],
    ['a commit', () => first],
    ['an abbreviated commit', () => first.slice(0, 8)],
    ['an expression', () => 'main~1'],
    ['a full name', () => 'refs/heads/topic'],
  ])('may be %s', async (_, ref) => {
    expect(await deployed({ ref: ref() })).toMatchObject({ revision: first, tree: { version: '644 "one"' } });
  });

  test('is looked up once: a push in between does not change what is deployed', async () => {
    const meanwhile = async () => {
      await put('version', 'three');
      commit('third');
    };
    const packed = await pack(git({ ref: 'main' }), repository, { meanwhile });
    expect(packed.artifact.revision).toBe(second);
    expect(await unpacked(packed)).toEqual({ version: '644 "two"' });
  });

  test('is what was committed, whatever lies in the work tree', async () => {
    await put('version', 'dirty');
    await put('untracked', 'x');
    expect((await deployed()).tree).toEqual({ version: '644 "two"' });
  });

  test('may be a bare repository, a URL, and a directory inside of a work tree', async () => {
    execFileSync('git', ['clone', '--quiet', '--bare', repository, join(base, 'bare.git')], { stdio: 'pipe' });
    const elsewhere = join(base, 'elsewhere');
    await mkdir(elsewhere);
    for (const where of [
      join(base, 'bare.git'),
      `file://${join(base, 'bare.git')}`,
      `file://${repository}`,
      repository,
    ]) {
      for (const ref of ['topic', 'v1']) {
        expect(await deployed({ repository: where, ref }, elsewhere)).toMatchObject({
          revision: first,
          tree: { version: '644 "one"' },
        });
      }
    }
    expect((await deployed({ repository: `file://${repository}` }, elsewhere)).revision).toBe(second);
    expect((await deployed({ repository: `file://${repository}`, ref: first }, elsewhere)).revision).toBe(first);
    await mkdir(join(repository, 'sub'));
    expect((await deployed({}, join(repository, 'sub'))).revision).toBe(second);
  });

  test('is not the repository of a hook that the deploy runs in', async () => {
    const before = process.env.GIT_DIR;
    process.env.GIT_DIR = join(base, 'other.git');
    try {
      execFileSync('git', ['init', '--quiet', '--bare', process.env.GIT_DIR]);
      expect((await pack(git(), repository)).artifact.revision).toBe(second);
    } finally {
      if (before === undefined) delete process.env.GIT_DIR;
      else process.env.GIT_DIR = before;
    }
  });

  test('keeps modes, links and names', async () => {
    await put('bin/run', '#!');
    await chmod(join(repository, 'bin/run'), 0o755);
    await symlink('../nowhere', join(repository, 'bin/link'));
    const long = `${'d'.repeat(100)}/${'f'.repeat(200)}`;
    for (const name of ['grüße 鴉', '"quoted"\n', long]) await put(name, 'x');
    commit('names');
    expect((await deployed()).tree).toEqual({
      '"quoted"\n': '644 "x"',
      bin: '755/',
      'bin/link': '-> ../nowhere',
      'bin/run': '755 "#!"',
      ['d'.repeat(100)]: '755/',
      [long]: '644 "x"',
      'grüße 鴉': '644 "x"',
      version: '644 "two"',
    });
  });

  test('leaves out what is marked export-ignore, and what .deployignore of the commit names', async () => {
    await put('.gitattributes', 'tests export-ignore\nversion export-subst\n');
    await put('.deployignore', '*.md\n.deployignore\n.gitattributes\n');
    for (const name of ['tests/a', 'README.md', 'docs/b.md', 'src/c']) await put(name, 'x');
    await put('version', '$Format:%H$');
    const sha = commit('ignored');
    await put('.deployignore', 'src\n');
    expect((await deployed()).tree).toEqual({ docs: '755/', src: '755/', 'src/c': '644 "x"', version: `644 "${sha}"` });
  });

  test('may be one directory of the repository, with the attributes of the whole', async () => {
    await put('.gitattributes', '/site/drafts export-ignore\n*.tmp export-ignore\nrevision export-subst\n');
    await put('site/.deployignore', '*.md\n');
    for (const name of ['site/index', 'site/notes.md', 'site/drafts/a', 'site/sub/x.tmp', 'site/sub/y', 'sitemap'])
      await put(name, 'x');
    await put('site/revision', '$Format:%H$');
    const sha = commit('site');
    expect((await deployed({ directory: './site/' })).tree).toEqual({
      '.deployignore': '644 "*.md\n"',
      index: '644 "x"',
      revision: `644 "${sha}"`,
      sub: '755/',
      'sub/y': '644 "x"',
    });
  });

  test('is the same bytes each time, also for one directory of it', async () => {
    await put('sub/file', 'x');
    commit('sub');
    const time = Number(run('show', '-s', '--format=%ct', 'HEAD'));
    for (const options of [{}, { directory: 'sub' }]) {
      const [one, two] = [await deployed(options), await deployed(options)];
      expect(one.artifact.sha256).toBe(two.artifact.sha256);
      const times = execFileSync('tar', ['-tvf', one.artifact.path, '--full-time', '--utc'], {
        encoding: 'utf8',
      }).match(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g);
      expect([...new Set(times)]).toEqual([new Date(time * 1000).toISOString().slice(0, 19).replace('T', ' ')]);
    }
  });

  test.skipIf(!needs('git-lfs'))(
    'has the files that Git LFS keeps, of a path and of a URL; pointers that stay are named',
    async () => {
      run('lfs', 'install', '--local');
      await put('.gitattributes', '*.bin filter=lfs -text\n');
      await put('a.bin', 'large');
      commit('large files');
      expect(run('show', 'HEAD:a.bin')).toContain('version https://git-lfs.github.com/spec/v1\noid');
      await writeFile(join(base, 'gitconfig'), LFS);
      vi.stubEnv('GIT_CONFIG_GLOBAL', join(base, 'gitconfig'));
      const warnings = async (options = {}) => {
        const packed = await pack(git(options), repository);
        const told = packed.facts.flatMap((fact) => (fact.type === 'notice' ? [fact.message] : []));
        return { told, file: (await unpacked(packed))['a.bin'] };
      };
      for (const options of [{}, { repository: `file://${repository}` }])
        expect(await warnings(options)).toEqual({ told: [], file: '644 "large"' });
      vi.stubEnv('GIT_LFS_SKIP_SMUDGE', '1');
      expect((await warnings()).told).toEqual([
        '1 file is a pointer of Git LFS, without the content: a.bin; install git-lfs on this machine, or run `git lfs install`',
      ]);
      vi.unstubAllEnvs();
    },
  );

  describe('with build steps', () => {
    test('is built from the commit, not from the work tree, and what the build leaves is deployed', async () => {
      await put('version', 'dirty');
      const packed = await pack(git({ ref: 'topic' }), repository, {
        build: ['tr a-z A-Z < version > built; mkdir -p empty .git; rm version'],
      });
      expect(await unpacked(packed)).toEqual({ built: '644 "ONE"', empty: '755/' });
      expect(packed.artifact.revision).toBe(first);
    });

    test('is built in its directory, and leaves out what the build names in .deployignore', async () => {
      await put('site/source', 'x');
      commit('site');
      const packed = await pack(git({ directory: 'site' }), repository, {
        build: ['echo source > .deployignore; ls > list'],
      });
      expect(await unpacked(packed)).toEqual({ '.deployignore': '644 "source\n"', list: '644 "list\nsource\n"' });
    });

    test('fails where one of them fails', async () => {
      await expect(pack(git(), repository, { build: ['echo broken; false'] })).rejects.toThrow(
        /failed with exit code 1:\nbroken/,
      );
    });
  });

  describe('tells what lies between a deployed revision and the one to deploy', () => {
    const compare = async (deployed: string, options: Parameters<typeof git>[0] = {}) => {
      const scratch = await mkdtemp(join(base, 'scratch-'));
      const localPath = (path: string) => join(repository, path);
      const { signal } = new AbortController();
      const source = git(options);
      const resolved = await resolveSource({ source, build: [], directory: repository, scratch, localPath, signal });
      const { commits, dropped } = (await resolved.compare?.(deployed)) ?? {};
      return { commits: commits?.map(({ subject }) => subject), dropped: dropped?.map(({ subject }) => subject) };
    };

    test.each(['a path', 'a URL', 'a URL whose server sends commits alone'])('for %s', async (where) => {
      if (where.endsWith('alone')) run('config', 'uploadpack.allowFilter', 'true');
      const options = where === 'a path' ? {} : { repository: `file://${repository}` };
      await put('version', 'three');
      const third = commit('the third: "quoted" ünd %s');
      expect(await compare(first, options)).toEqual({ commits: ['the third: "quoted" ünd %s', 'second'], dropped: [] });
      expect(await compare(third, options)).toEqual({ commits: [], dropped: [] });
      expect(await compare(third, { ...options, ref: 'v1' })).toEqual({
        commits: [],
        dropped: ['the third: "quoted" ünd %s', 'second'],
      });
      run('checkout', '--quiet', 'topic');
      await put('topic', '');
      const other = commit('a topic');
      expect(await compare(other, { ...options, ref: 'main' })).toEqual({
        commits: ['the third: "quoted" ünd %s', 'second'],
        dropped: ['a topic'],
      });
      const unknown = { commits: undefined, dropped: undefined };
      for (const revision of ['0'.repeat(40), 'main', '--all', '123', ''])
        expect(await compare(revision, options), revision).toEqual(unknown);
    });
  });

  describe('is refused in words, before any host is touched', () => {
    const refused = async (options: Parameters<typeof git>[0], from = repository): Promise<string> => {
      const error = await pack(git(options), from).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(error).toBeInstanceOf(UserError);
      expect((error as UserError).exitCode).toBe(2);
      return (error as UserError).message;
    };

    test('for a ref that does not exist: there are others', async () => {
      expect(await refused({ ref: 'mian' })).toMatch(/no ref 'mian' in .*app; there are: .*main.*topic/);
      expect(await refused({ ref: '0'.repeat(40) })).toMatch(/no ref/);
      expect(await refused({ ref: 'v1:version' })).toMatch(/no ref/);
      expect(await refused({ ref: '--help' })).toMatch(/no ref/);
      expect(await refused({ ref: 'mian', repository: `file://${repository}` })).toMatch(
        /cannot fetch 'mian' from file:/,
      );
      expect(await refused({ repository: 'file:///nowhere/at.all' })).toMatch(/cannot fetch 'HEAD' from file:/);
    });

    test('for a directory that is no repository, or does not exist', async () => {
      expect(await refused({}, base)).toMatch(/is not a git repository; use dir\('\.'\)/);
      expect(await refused({ repository: 'nowhere' })).toMatch(/nowhere is not a git repository/);
    });

    test('for a repository without a commit', async () => {
      execFileSync('git', ['init', '--quiet', join(base, 'new')]);
      expect(await refused({ repository: join(base, 'new') })).toMatch(/no ref 'HEAD'.*no commit yet/);
    });

    test('for a directory that the commit does not have', async () => {
      expect(await refused({ directory: 'missing' })).toMatch(/no directory 'missing' in commit/);
      expect(await refused({ directory: 'version' })).toMatch(/no directory 'version' in commit/);
    });
  });
});
