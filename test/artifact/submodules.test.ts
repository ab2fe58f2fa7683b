import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ResolvedSource } from '#artifact/artifact.ts';
import { resolveSource } from '#artifact/resolve-source.ts';
import { submoduleUrl } from '#artifact/submodule-url.ts';
import { git } from '#config/define-config.ts';
import { UserError } from '#recipe/user-error.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';
import { needs } from '../support/tools.ts';
import { pack, unpacked } from './pack.ts';

const GLOBAL = '[user]\nname = Ann\nemail = ann@example.com\n[init]\ndefaultBranch = main\n';
const LOCAL_ALLOWED = '[protocol "file"]\nallow = always\n';

describe.skipIf(!needs('git'))('the submodules of a git source', () => {
  let dir: string;
  let base: string;
  const at = (...path: string[]) => join(base, ...path);
  const run = (repository: string, ...args: string[]): string =>
    execFileSync('git', ['-C', at(repository), ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  const configure = (text: string) => writeFile(at('gitconfig'), `${text}[core]\nexcludesFile = ${at('excludes')}\n`);
  /** Commits files; resolves to the commit. */
  const commit = async (repository: string, files: Record<string, string> = {}): Promise<string> => {
    if (!existsSync(at(repository))) {
      await mkdir(at(repository), { recursive: true });
      run(repository, 'init', '--quiet');
    }
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(at(repository, path)), { recursive: true });
      await writeFile(at(repository, path), text);
    }
    if (Object.keys(files).length > 0) run(repository, 'add', '--', ...Object.keys(files));
    run(repository, 'commit', '--quiet', '--allow-empty', '--message', 'a change');
    return run(repository, 'rev-parse', 'HEAD');
  };

  /** app holds libs/lib, which holds inner; both record a commit that is not the newest. */
  let recorded: string;
  beforeAll(async () => {
    dir = await makeTempDir('submodules');
    base = join(dir, 'base');
    await mkdir(base);
    vi.stubEnv('GIT_CONFIG_GLOBAL', at('gitconfig'));
    await configure(GLOBAL + LOCAL_ALLOWED);
    await writeFile(at('excludes'), '.scratch-*\n');
    await commit('inner', { deep: 'recorded' });
    await commit('lib', { file: 'recorded', 'bin/run': '#!' });
    run('lib', 'update-index', '--chmod=+x', 'bin/run');
    run('lib', 'submodule', 'add', '--quiet', '../inner', 'inner');
    recorded = await commit('lib');
    await commit('app', { page: 'x' });
    run('app', 'submodule', 'add', '--quiet', '../lib', 'libs/lib');
    await commit('app');
    await commit('inner', { deep: 'newer' });
    await commit('lib', { file: 'newer' });
    run('app/libs/lib', 'pull', '--quiet'); // checked out, and not committed in app
  });
  beforeEach(async () => {
    const kept = join(dir, 'kept');
    if (existsSync(kept)) await rm(base, { recursive: true });
    await cp(...(existsSync(kept) ? ([kept, base] as const) : ([base, kept] as const)), { recursive: true });
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await removeTempDir(dir);
  });

  type Options = Parameters<typeof git>[0];
  const elsewhere = async () => mkdtemp(at('elsewhere-'));
  const resolved = async (options: Options = {}, from = at('app')): Promise<ResolvedSource> => {
    const [localPath, { signal }] = [(path: string) => join(from, path), new AbortController()];
    const scratch = await mkdtemp(at('scratch-'));
    return resolveSource({ source: git(options), build: [], directory: from, scratch, localPath, signal });
  };
  const deployed = async (options: Options = {}, build: string[] = [], from = at('app')) => {
    const packed = await pack(git(options), from, { build });
    const notices = packed.facts.flatMap((fact) => (fact.type === 'notice' ? [fact.message] : []));
    return { notices, tree: await unpacked(packed), sha256: packed.artifact.sha256 };
  };
  /** Why it cannot be deployed, said before any host is touched. */
  const refusal = async (options: Options = {}): Promise<string> => {
    const error = await (await resolved(options)).prepare?.().then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).exitCode).toBe(2);
    return (error as UserError).message;
  };

  const LIB = {
    ...{ 'libs/lib/.gitmodules': expect.any(String), 'libs/lib/bin': '755/', 'libs/lib/bin/run': '755 "#!"' },
    ...{ 'libs/lib/file': '644 "recorded"', 'libs/lib/inner': '755/', 'libs/lib/inner/deep': '644 "recorded"' },
  };
  const WHOLE = { '.gitmodules': expect.any(String), libs: '755/', 'libs/lib': '755/', ...LIB, page: '644 "x"' };

  test('are in the release, theirs as well, each as the commit that is recorded: out of a URL, with URLs that are relative', async () => {
    const hashes = new Set<string>();
    for (const repository of [`file://${base}/app`, `file://${base}/app/`]) {
      const { tree, notices, sha256 } = await deployed({ repository }, [], await elsewhere());
      expect([tree, notices]).toEqual([WHOLE, []]);
      hashes.add(sha256);
    }
    expect(hashes.size).toBe(1);
  });

  test('are taken from clones that the user has: nothing is fetched, nothing has to be pushed', async () => {
    run('app/libs/lib', 'submodule', 'update', '--quiet', '--init'); // of the newer one
    const pushed = (await deployed()).tree;
    expect(pushed).toEqual(WHOLE);
    run('app', 'worktree', 'add', '--quiet', at('tree'));
    run('tree', 'submodule', 'update', '--quiet', '--init', '--recursive');
    run('app/libs/lib', 'checkout', '--quiet', recorded);
    await commitLink('libs/lib', await commit('app/libs/lib', { file: 'here alone' }));
    for (const name of ['lib', 'inner']) await rm(at(name), { recursive: true });
    expect((await deployed()).tree).toEqual({ ...WHOLE, 'libs/lib/file': '644 "here alone"' });
    expect((await deployed({}, [], at('tree'))).tree).toEqual(WHOLE);
  });

  test('are fetched where a clone does not have the commit, or has it without its files', async () => {
    run('lib', 'config', 'uploadpack.allowFilter', 'true');
    for (const clone of [[], ['--filter=blob:none'], ['--depth=1']]) {
      await rm(at('app/.git/modules/libs/lib'), { recursive: true, force: true });
      const words = ['clone', '--quiet', '--no-checkout', '--bare', ...clone, `file://${base}/lib`];
      run('app', ...words, '.git/modules/libs/lib');
      expect((await deployed()).tree, clone.join()).toEqual(WHOLE);
    }
  });

  test('are fetched from servers that hand out nothing but the tips of branches', async () => {
    await configure(`${GLOBAL}${LOCAL_ALLOWED}[protocol]\nversion = 0\n`);
    expect((await deployed({ repository: `file://${base}/app` }, [], await elsewhere())).tree).toEqual(WHOLE);
  });

  test('come from where the user has configured', async () => {
    run('app', 'clone', '--quiet', '--recursive', at('lib'), at('mirror'));
    run('app', 'config', '--file', '.gitmodules', 'submodule.libs/lib.url', 'https://nowhere.invalid/lib');
    await commit('app', { '.gitmodules': await readFile(at('app/.gitmodules'), 'utf8') });
    run('app', 'config', 'submodule.libs/lib.url', at('mirror'));
    await forgetClones();
    await rename(at('lib'), at('elsewhere'));
    expect((await deployed()).tree).toEqual(WHOLE);
  });

  /** As in a clone whose submodules were never checked out. */
  const forgetClones = async () => {
    for (const path of ['app/.git/modules', 'app/libs/lib']) await rm(at(path), { recursive: true });
  };

  /** Records a commit without the help of `git submodule`. */
  const commitLink = async (path: string, sha: string) => {
    run('app', 'update-index', '--add', '--cacheinfo', `160000,${sha},${path}`);
    run('app', 'commit', '--quiet', '--message', 'a link');
  };

  test('stay at home by .deployignore and export-ignore, and are then not asked for', async () => {
    await commitLink('gone', '1'.repeat(40));
    await commitLink('left/out', '2'.repeat(40));
    await commit('app', { '.deployignore': 'gone\nfile\n.deployignore\n', '.gitattributes': 'left export-ignore\n' });
    const { 'libs/lib/file': _, ...rest } = WHOLE;
    expect((await deployed()).tree).toEqual({ ...rest, '.gitattributes': expect.any(String) });
  });

  test('are there for a build, also those that are ignored', async () => {
    await commit('app', { '.deployignore': 'libs\n.*\n' });
    const { tree } = await deployed({}, [
      'cat libs/lib/file libs/lib/inner/deep > built; ls -l libs/lib/bin/run | cut -c1-4 > mode',
    ]);
    expect(tree).toEqual({ built: '644 "recordedrecorded"', mode: '644 "-rwx\n"', page: '644 "x"' });
  });

  test('of one directory are those in it; one that is a submodule itself is refused', async () => {
    await commitLink('gone', '1'.repeat(40));
    const names = Object.entries(LIB).map(([name, what]) => [name.replace('libs/', ''), what]);
    expect((await deployed({ directory: 'libs' })).tree).toEqual({ lib: '755/', ...Object.fromEntries(names) });
    const whole = await resolved({ directory: 'libs/lib' }).catch((error: unknown) => error);
    expect((whole as UserError).message).toMatch(/'libs\/lib' in commit .* is a submodule: name its own repository/);
  });

  test('may be left out, which is said in one line, as are those that git leaves alone', async () => {
    const { tree, notices } = await deployed({ submodules: false });
    expect(tree).toEqual({ '.gitmodules': expect.any(String), libs: '755/', 'libs/lib': '755/', page: '644 "x"' });
    expect(notices).toEqual(['submodules: false leaves empty directories: libs/lib']);
    run('app', 'config', 'submodule.libs/lib.update', 'none');
    expect((await deployed()).notices).toEqual(["the submodule libs/lib is left empty: its 'update' is 'none'"]);
  });

  test('do not matter to who only asks which commits are new', async () => {
    const before = run('app', 'rev-parse', 'HEAD');
    await commitLink('gone', '1'.repeat(40));
    const source = await resolved();
    expect((await source.compare?.(before))?.commits).toMatchObject([{ subject: 'a link' }]);
  });

  describe('are refused in words, before any host is touched', () => {
    const OR_WITHOUT = 'to deploy without it, name it in .deployignore, or write git({ submodules: false })';

    test('where the commit was not pushed', async () => {
      run('app/libs/lib', 'submodule', 'update', '--quiet', '--init');
      await commitLink('libs/lib', '1'.repeat(40));
      const recorded = `${at('lib')} has no commit ${'1'.repeat(40)}, which is recorded for the submodule libs/lib`;
      expect(await refusal()).toBe(`${recorded}; push it, or, ${OR_WITHOUT}`);
    });

    test('where .gitmodules does not name it', async () => {
      await commitLink('other', '1'.repeat(40));
      expect(await refusal()).toBe(
        `other is a submodule, but .gitmodules of the commit has no URL for it; add it with \`git submodule add\`, or, ${OR_WITHOUT}`,
      );
    });

    test("where git's own rules refuse the URL: of this machine, and commands", async () => {
      await configure(GLOBAL);
      await forgetClones();
      expect(await refusal()).toContain('after `git config --global protocol.file.allow always`; to deploy without it');
      run('app', 'config', 'submodule.libs/lib.url', `ext::sh -c "touch ${base}/run"`);
      expect(await refusal()).toContain("transport 'ext' not allowed");
      expect(existsSync(at('run'))).toBe(false);
    });

    test('where the server is not there', async () => {
      run('app', 'config', 'submodule.libs/lib.url', 'ssh://localhost:1/lib');
      await forgetClones();
      expect(await refusal()).toMatch(
        /^cannot fetch commit \w{40} of the submodule libs\/lib from ssh:\/\/localhost:1\/lib:\n.*refused/,
      );
    });
  });

  test('have the URLs that git computes', async () => {
    const urls = ['../lib.git', './lib.git', '../../other/lib.git', '../lib/', '/srv/lib'];
    const gitmodules = urls.map((url, index) => `[submodule "s${index}"]\npath = s${index}\nurl = ${url}\n`).join('');
    await writeFile(at('app/.gitmodules'), gitmodules);
    for (const index of urls.keys()) run('app', 'update-index', '--add', '--cacheinfo', `160000,${recorded},s${index}`);
    for (const origin of ORIGINS) {
      run('app', 'config', 'remote.origin.url', origin);
      const names = urls.map((_, index) => `s${index}`);
      if (/^git@[^/]*:app/.test(origin)) names.splice(2, 1); // too far up for git
      run('app', 'submodule', '--quiet', 'init', ...names);
      for (const name of names) {
        expect(submoduleUrl(urls[Number(name.slice(1))]!, origin)).toBe(run('app', 'config', `submodule.${name}.url`));
        run('app', 'config', '--remove-section', `submodule.${name}`);
      }
    }
  });

  const ORIGINS = [
    ...['https://example.com/team/app.git', 'https://example.com/team/app.git/', '/srv/git/app.git'],
    ...['git@example.com:team/app.git', 'git@example.com:app.git', 'ssh://git@example.com:22/team/app.git'],
  ];
});
