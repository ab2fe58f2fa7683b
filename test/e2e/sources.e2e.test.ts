import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { type Content, writeContent } from '../support/content.ts';
import { lookAt, type Tree, treeOf } from '../support/host-files.ts';
import { type ConfigOptions, type DiskHost, makeEmbeddedProject, type Project } from '../support/project.ts';
import { needs } from '../support/tools.ts';

describe.skipIf(!needs('git', 'tar'))('what is deployed', () => {
  let project: Project<DiskHost>;
  afterEach(async () => {
    await project?.remove();
  });

  const make = async (config: ConfigOptions, files?: Content, count = 1) => {
    project = await makeEmbeddedProject({ count, ...config, ...(files === undefined ? {} : { files }) });
  };

  /** Deploys and reads the current release of every host, without the records that a deploy adds. */
  const deployed = async (...words: string[]): Promise<{ trees: Tree[]; revisions: string[] }> => {
    const run = await project.deploy(words);
    expect(run.exitCode, `${run.stderr}${JSON.stringify(run.summary)}`).toBe(0);
    const trees = project.hosts.map(async (host) => {
      const { current } = await lookAt(host, 'shop');
      const { '.': _, REVISION: _r, REVISION_TIME: _t, ...tree } = await treeOf(host, `shop/releases/${current}`);
      return tree;
    });
    const revisions = project.hosts.map(async (host) => {
      const { current } = await lookAt(host, 'shop');
      return (await readFile(join(host.files, 'shop/releases', current!, 'REVISION'), 'utf8')).trim();
    });
    return { trees: await Promise.all(trees), revisions: await Promise.all(revisions) };
  };

  const localTree = async (path: string): Promise<Tree> => {
    const { '.': _, ...tree } = await treeOf({ ...project.hosts[0]!, files: project.dir }, path);
    return tree;
  };

  const AWKWARD: Content = {
    'größe/日本.txt': 'unicode\n',
    'with space/$x `y` "z" \'q\'.txt': 'shell\n',
    'bin/run': { text: '#!/bin/sh\n', mode: 0o755 },
    secret: { text: 'for the owner\n', mode: 0o600 },
    'links/up': { link: '../bin/run' },
    'links/dangling': { link: 'nowhere' },
    empty: '',
  };

  test('dir: as tasks before deploy:check have left it', async () => {
    const build = "runLocally(['sh', '-c', 'sleep 0.5; echo new > build/file; echo more > build/other'])";
    await make({
      source: "dir('build')",
      recipes: `[defineRecipe({ name: 'mine', before: { 'deploy:starting': 'make' }, tasks: [
        task('make', 'Make', { run: async ({ runLocally }) => void (await ${build}) })] })]`,
    });
    await writeContent(join(project.dir, 'build'), { file: 'old\n' });
    const { trees } = await deployed();
    expect(trees).toEqual([await localTree('build')]);
    expect(Object.keys(trees[0]!)).toEqual(['file', 'other']);
  });

  test('dir: modes, links, names and empty directories arrive as they left; .git and what .deployignore names stay', async () => {
    await make({ source: "dir('build')" });
    await writeContent(join(project.dir, 'build'), AWKWARD);
    await mkdir(join(project.dir, 'build/nothing/in/here'), { recursive: true });
    await chmod(join(project.dir, 'build/nothing'), 0o700);
    const expected = await localTree('build');
    await writeContent(join(project.dir, 'build'), {
      '.git/config': 'mine',
      'vendor/.git': 'gitdir: elsewhere',
      'drafts/one.txt': 'no',
      'notes.log': 'no',
      'keep.log': 'yes',
      '.deployignore': 'drafts/\n*.log\n!keep.log\n',
    });
    const { trees, revisions } = await deployed();
    const kept = await localTree('build');
    const names = ['keep.log', '.deployignore', 'vendor'];
    expect(trees).toEqual([{ ...expected, ...Object.fromEntries(names.map((name) => [name, kept[name]])) }]);
    expect(revisions[0]).toMatch(/^[0-9a-f]{40}$/);
  });

  test("dir('.'): the project itself, without its repository and without the embedded hosts that lie in it", async () => {
    await make({ source: "dir('.')" });
    await deployed();
    const { trees } = await deployed();
    expect(Object.keys(trees[0]!).sort()).toEqual(['bin', 'bin/start', 'deploy.config.ts', 'index.html']);
  });

  test('archive: what tar packed, without what .deployignore in it names', async () => {
    await make({ source: "archive('app.tar.gz')" });
    await writeContent(join(project.dir, 'app'), AWKWARD);
    await mkdir(join(project.dir, 'app/nothing'));
    const expected = await localTree('app');
    await writeContent(join(project.dir, 'app'), {
      '.deployignore': '/drafts\n',
      'drafts/x': 'no',
      '.git/config': 'no',
    });
    await promisify(execFile)('tar', ['-czf', 'app.tar.gz', '-C', 'app', '.'], { cwd: project.dir });
    const { trees } = await deployed();
    expect(trees).toEqual([{ ...expected, '.deployignore': (await localTree('app'))['.deployignore'] }]);
  });

  test('git: the commit of a tag, whatever lies in the working directory; export-ignore and .deployignore are heard', async () => {
    await make({}, { 'index.html': 'one\n' });
    const tagged = await project.commit({
      ...AWKWARD,
      'test/x.js': 'no',
      'drafts/x': 'no',
      '.gitattributes': 'test export-ignore\n',
      '.deployignore': 'drafts\n',
    });
    await project.git('tag', '-a', 'v1.0', '-m', 'version one');
    await project.commit({ 'index.html': 'two\n' });
    await writeContent(project.dir, { 'index.html': 'not committed\n', 'untracked.txt': 'no' });
    const { trees, revisions } = await deployed('--ref', 'v1.0');
    expect(revisions).toEqual([tagged]);
    const tree = trees[0]!;
    expect(Object.keys(tree).filter((name) => /^(test|drafts|untracked|\.git$)/.test(name))).toEqual([]);
    expect(tree['bin/run']).toMatch(/^file 755 /);
    expect(tree['links/up']).toBe('link to ../bin/run');
    const { current } = await lookAt(project.hosts[0]!, 'shop');
    const page = join(project.hosts[0]!.files, 'shop/releases', current!, 'index.html');
    expect(await readFile(page, 'utf8')).toBe('one\n');
  });

  test('build steps run in the commit, one after the other, and what they make is deployed', async () => {
    await make({
      config: { build: ['mkdir out && cp index.html out/page', 'cat out/page >> out/twice; rm index.html'] },
    });
    await writeContent(project.dir, { 'index.html': 'not committed\n' });
    const { trees } = await deployed();
    expect(Object.keys(trees[0]!).sort()).toEqual(['bin', 'bin/start', 'out', 'out/page', 'out/twice']);
    expect(await localTree('.')).not.toHaveProperty('out'); // not in the user's own directory
  });

  test('a branch that moves while the deploy runs does not matter: every host gets the commit that it was', async () => {
    await make({}, { page: 'one\n' }, 3);
    const wanted = (await project.git('rev-parse', 'main')).trim();
    const move = `git -C '${project.dir}' -c user.name=x -c user.email=x@y commit -q --allow-empty -m moved`;
    await project.configure({ config: { build: move } });
    const { revisions } = await deployed();
    expect(revisions).toEqual([wanted, wanted, wanted]);
    expect((await project.git('rev-parse', 'main')).trim()).not.toBe(wanted);
    for (const host of project.hosts) {
      expect((await lookAt(host, 'shop')).log[0]).toContain(`Branch main (at ${wanted}) deployed as release`);
    }
  });

  test.skipIf(!needs('diff'))('20,000 small files arrive as they left', async () => {
    await make({ source: "dir('many')" });
    const many = join(project.dir, 'many');
    for (let d = 0; d < 100; d++) {
      mkdirSync(join(many, `d${d}`), { recursive: true });
      for (let index = d; index < 20_000; index += 100) writeFileSync(join(many, `d${d}/f${index}`), `${index}\n`);
    }
    const run = await project.deploy();
    expect(run.summary).toMatchObject({ exitCode: 0 });
    const release = join(project.hosts[0]!.files, 'shop/releases', run.summary.release!);
    const { stdout } = await promisify(execFile)('diff', ['-r', '-x', 'REVISION*', many, release]); // ends with 1 where they differ
    expect(stdout).toBe('');
  });
});
