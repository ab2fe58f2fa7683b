import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeContent } from '../support/content.ts';
import { copyOfProject } from '../support/project-copy.ts';
import { removeTempDir } from '../support/temp-dir.ts';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);

let copy: string;
let base: string;
let packed: { filename: string; size: number; files: { path: string; size: number }[] };
let program: string;

beforeAll(async () => {
  copy = await copyOfProject();
  base = dirname(copy);
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', base], { cwd: copy });
  packed = JSON.parse(stdout.slice(stdout.indexOf('[\n')))[0];
  const prefix = join(base, 'prefix');
  const install = ['install', '--global', '--prefix', prefix, '--prefer-offline', '--no-audit', '--no-fund'];
  await run('npm', [...install, join(base, packed.filename)], { cwd: base, timeout: 90_000 });
  program = join(prefix, 'bin/deploy');
}, 150_000);
afterAll(async () => {
  if (base) await removeTempDir(base);
});

test('the package holds what runs, its types and its papers, and nothing else', () => {
  const paths = packed.files.map(({ path }) => path);
  expect(paths.filter((path) => !path.startsWith('dist/')).sort()).toEqual([
    ...['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'],
  ]);
  const rest = paths.filter((path) => !/\.(js|cjs|d\.ts)$/.test(path) && path.startsWith('dist/'));
  expect(rest.filter((path) => path !== 'dist/THIRD-PARTY-LICENCES')).toEqual([]);
  for (const path of [
    'cli.js',
    'index.js',
    'peer.cjs',
    'recipes/restart.js',
    'types/src/index.d.ts',
    'types/recipes/restart.d.ts',
  ])
    expect(paths).toContain(`dist/${path}`);
  expect(packed.size).toBeLessThan(1_000_000);
});

test('installing it runs no script of ours, and brings neither a tracker with native parts nor tools for development', async () => {
  const { scripts = {} } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  expect(Object.keys(scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([]);
  const modules = await readdir(join(base, 'prefix/lib/node_modules/rookery/node_modules'));
  for (const name of ['bittorrent-tracker', 'webrtc-polyfill', 'bufferutil', 'esbuild', 'typescript', 'vitest'])
    expect(modules).not.toContain(name);
});

test('the installed program answers --version and --help, under both of its names', async () => {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  expect((await run(program, ['--version'], { cwd: base })).stdout).toBe(`${version}\n`);
  expect((await run(join(dirname(program), 'rookery'), ['--help'], { cwd: base })).stdout).toContain('deploy <stage>');
});

test.skipIf(process.platform !== 'linux')('--help takes little more processor time than Node itself', async () => {
  const node = await cpuOf(['-e', '0']);
  const help = (await cpuOf([program, '--help'])) - node;
  console.log(`deploy --help: ${help} ms of CPU beyond Node's own ${node} ms`);
  expect(help).toBeLessThan(400);
});

test('the installed program deploys from another directory with a TypeScript configuration', async () => {
  const dir = join(base, 'elsewhere');
  await writeContent(dir, {
    'build/index.html': 'hello\n',
    'deploy.config.ts': `import { type DeployEvent, defineConfig, dir, sandbox } from 'rookery';
import { restart } from 'rookery/recipes/restart';

const kind: DeployEvent['type'] = 'summary';
export default defineConfig({
  application: 'elsewhere',
  source: dir('build'),
  recipes: [restart('cp index.html ../../shared/restarted-' + kind)],
  stages: { production: { hosts: sandbox(2) } },
});
`,
  });
  const { stdout } = await run(program, ['production', '--format', 'json'], { cwd: dir });
  expect(JSON.parse(stdout.trimEnd().split('\n').at(-1)!)).toMatchObject({ type: 'summary', exitCode: 0 });
  for (const host of ['sandbox01', 'sandbox02']) {
    const app = join(dir, '.rookery/sandbox/production', host, 'var/www/elsewhere');
    expect(await readFile(join(app, 'current/index.html'), 'utf8')).toBe('hello\n');
    expect(await readFile(join(app, 'shared/restarted-summary'), 'utf8')).toBe('hello\n');
  }
});

test('its types are found by a project that has those of Node, and refuse what the program would refuse', async () => {
  const dir = join(base, 'consumer');
  await mkdir(join(dir, 'node_modules'), { recursive: true });
  await symlink(join(base, 'prefix/lib/node_modules/rookery'), join(dir, 'node_modules/rookery'));
  await symlink(join(root, 'node_modules/@types'), join(dir, 'node_modules/@types'));
  await symlink(join(root, 'node_modules/@types'), join(base, 'prefix/lib/node_modules/@types'));
  await writeContent(dir, {
    'package.json': '{ "type": "module" }',
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        ...{ target: 'es2023', module: 'nodenext', moduleResolution: 'nodenext', strict: true, noEmit: true },
        types: ['node'],
      },
      include: ['*.ts'],
    }),
    'deploy.config.ts': `import { defineConfig, defineRecipe, git, sh, task, type TaskContext } from 'rookery';
import { restart } from 'rookery/recipes/restart';

const warm = task('warm', 'Warm', { roles: ['app'], run: ({ on, hosts }: TaskContext) => on(hosts, ({ host, run }) => run(sh\`ls \${host.deployTo}\`)) });
export default defineConfig({
  application: 'shop',
  source: git({ ref: 'main' }),
  recipes: [restart('true'), defineRecipe({ name: 'mine', tasks: [warm], after: { 'deploy:restart': 'warm' } })],
  stages: { production: { hosts: ['web[01:20].example.com', { host: 'db', roles: ['db'] }] } },
});
`,
  });
  const tsc = (cwd: string) =>
    run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--project', '.'], { cwd }).then(
      () => '',
      (error: { stdout: string }) => error.stdout,
    );
  expect(await tsc(dir)).toBe('');
  const wrong =
    "import { defineConfig, dir } from 'rookery';\ndefineConfig({ application: 'a', source: dir('x'), stages: {}, keepRelease: 3 });\n";
  await writeFile(join(dir, 'wrong.ts'), wrong);
  expect(await tsc(dir)).toMatch(/wrong\.ts\(2,.*keepRelease/);
});

/** Milliseconds of processor time that node needs for these arguments: what the system counts for the ended child. */
const cpuOf = async (args: readonly string[]): Promise<number> => {
  const script = `require('child_process').spawnSync(process.execPath, ${JSON.stringify(args)});
    const [, , , , , , , , , , , , , user, system] = require('fs').readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ');
    console.log(10 * (Number(user) + Number(system)));`;
  return Number((await run(process.execPath, ['-e', script], { cwd: base })).stdout);
};
