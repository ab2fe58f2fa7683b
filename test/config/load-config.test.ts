import { existsSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ConfigRequest, loadConfig } from '#config/load-config.ts';
import { UserError } from '#recipe/user-error.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';

let base: string;
beforeEach(async () => {
  base = await makeTempDir('config');
});
afterEach(() => removeTempDir(base));

const put = async (path: string, content: string): Promise<void> => {
  await mkdir(dirname(join(base, path)), { recursive: true });
  await writeFile(join(base, path), content);
};
const load = (change: Partial<ConfigRequest> = {}) =>
  loadConfig({ from: base, stage: 'production', settings: [], user: 'ann', home: '/home/ann', ...change });
const refused = async (change: Partial<ConfigRequest> = {}): Promise<string> => {
  const error = await load(change).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(UserError);
  expect((error as UserError).exitCode).toBe(2);
  return (error as UserError).message;
};

const plain = { application: 'shop', source: { kind: 'dir', path: 'build' }, stages: { production: { hosts: ['a'] } } };
const json = JSON.stringify(plain);
const yaml = 'application: shop\nsource: {kind: dir, path: build}\nstages:\n  production:\n    hosts: [a]\n';

describe('a configuration is found', () => {
  test.each([
    ['deploy.config.ts', `const config: object = ${json};\nexport default config;`],
    ['deploy.config.mts', `export default ${json} satisfies object;`],
    ['deploy.config.js', `module.exports = ${json};`],
    ['deploy.config.mjs', `export default ${json};`],
    ['deploy.config.cjs', `module.exports = ${json};`],
    ['deploy.config.json', json],
    ['deploy.config.yaml', yaml],
    ['deploy.config.yml', yaml],
    ['package.json', JSON.stringify({ name: 'x', rookery: plain })],
  ])('in %s', async (name, content) => {
    await put(name, content);
    expect(await load()).toMatchObject({
      application: 'shop',
      directory: base,
      source: { path: 'build' },
      hosts: [{ host: 'a' }],
    });
  });

  test('as an ES module in deploy.config.js of a package that says so', async () => {
    await put('package.json', '{"type":"module"}');
    await put(
      'deploy.config.js',
      `import { join } from 'node:path';\nexport default { ...${json}, deployTo: join('/srv', 'shop') };`,
    );
    expect((await load()).deployTo).toBe('/srv/shop');
  });

  test('as a promise, or by a function of ES modules that waits', async () => {
    await put('deploy.config.mjs', `const config = await Promise.resolve(${json});\nexport default config;`);
    expect((await load()).application).toBe('shop');
  });

  test('upwards from where one is, past a package.json without one', async () => {
    await put('deploy.config.json', json);
    await put('packages/web/package.json', '{}');
    await mkdir(join(base, 'packages/web/src'));
    expect((await load({ from: join(base, 'packages/web/src') })).directory).toBe(base);
  });

  test('and the nearest wins', async () => {
    await put('deploy.config.json', json);
    await put('sub/deploy.config.json', json.replace('shop', 'sub'));
    expect(await load({ from: join(base, 'sub') })).toMatchObject({ application: 'sub', directory: join(base, 'sub') });
  });

  test('by its name, which ends the search', async () => {
    await put('deploy.config.json', json);
    await put('other/blue.json', json.replace('shop', 'blue'));
    await put('other/green.ts', `export default ${json.replace('shop', 'green')}`);
    expect(await load({ file: join(base, 'other/blue.json') })).toMatchObject({
      application: 'blue',
      directory: join(base, 'other'),
    });
    expect(await load({ file: join(base, 'other/green.ts') })).toMatchObject({ application: 'green' });
  });
});

describe('a configuration in TypeScript', () => {
  test('may import files of its own, with and without their endings, and use an enum', async () => {
    await put(
      'config/names.ts',
      "export enum Stage { Production = 'production' }\nexport const application: string = 'shop';",
    );
    await put(
      'config/hosts.ts',
      "import { type Stage } from './names';\nexport const hosts = (stage: Stage): string[] => ['a.' + stage];",
    );
    await put(
      'deploy.config.ts',
      `import { hosts } from './config/hosts.ts';
import { application, Stage } from './config/names';
namespace Defaults { export const keep = 7; }
export default { application, source: { kind: 'dir' as const, path: 'b' }, keepReleases: Defaults.keep, stages: { [Stage.Production]: { hosts: hosts(Stage.Production) } } };`,
    );
    expect(await load()).toMatchObject({ application: 'shop', keepReleases: 7, hosts: [{ host: 'a.production' }] });
  });

  test('may use packages of its project, in ES modules and CommonJS', async () => {
    await put('node_modules/esm/package.json', '{"name":"esm","type":"module","exports":"./index.js"}');
    await put('node_modules/esm/index.js', "export const name = 'shop';");
    await put('node_modules/cjs/index.js', "exports.host = 'a';");
    await put(
      'deploy.config.ts',
      "import { name } from 'esm';\nimport { host } from 'cjs';\nexport default { application: name, source: { kind: 'dir', path: 'b' }, stages: { production: { hosts: [host] } } };",
    );
    expect(await load()).toMatchObject({ application: 'shop', hosts: [{ host: 'a' }] });
  });

  test('leaves nothing beside itself', async () => {
    await put('deploy.config.ts', `export default ${json}`);
    await load();
    expect(existsSync(join(base, 'node_modules'))).toBe(false);
  });
});

/** The public name leads to dist/, as it does for users: `npm test` builds it first. */
const built = existsSync(fileURLToPath(new URL('../../dist/index.js', import.meta.url)));
if (!built && process.env.CI) throw new Error('there is no dist/: run `npm run build`');
if (!built) process.stderr.write('tests skipped: there is no dist/; run `npm run build`\n');

describe.skipIf(!built)("a configuration that imports 'rookery'", () => {
  const content = `import { defineConfig, defineRecipe, dir, sandbox, sh, task } from 'rookery';
import { restart } from 'rookery/recipes/restart';
export default defineConfig({
  application: 'shop', source: dir('build'),
  recipes: [restart('true'), defineRecipe({ name: 'mine', tasks: [task('mine:go', 'Go', { run: () => {} })] })],
  stages: { production: { hosts: sandbox(2) } },
});`;

  test.each(['deploy.config.ts', 'deploy.config.mjs', 'deploy.config.js'])(
    'gets this installation, in a directory without node_modules (%s)',
    async (name) => {
      await put(name, content);
      expect(await load()).toMatchObject({
        hosts: { kind: 'sandbox', count: 2 },
        recipes: [{ name: 'app' }, { name: 'mine', tasks: [{ kind: 'task', name: 'mine:go' }] }],
      });
    },
  );

  test('gets this installation also where its project has another one', async () => {
    await put('node_modules/rookery/package.json', '{"name":"rookery","type":"module","exports":"./index.js"}');
    await put('node_modules/rookery/index.js', "throw new Error('the other installation');");
    await put('deploy.config.ts', content);
    expect((await load()).recipes).toHaveLength(2);
  });

  test('does so by way of a file that it imports, and by require', async () => {
    await put(
      'lib/recipe.ts',
      "import { defineRecipe } from 'rookery';\nexport default defineRecipe({ name: 'lib' });",
    );
    await put(
      'deploy.config.cjs',
      `const { dir } = require('rookery');\nconst recipe = require('./lib/recipe.ts');\nmodule.exports = { application: 'shop', source: dir('b'), recipes: [recipe.default ?? recipe], stages: { production: { hosts: ['a'] } } };`,
    );
    expect(await load()).toMatchObject({ source: { kind: 'dir' }, recipes: [{ name: 'lib' }] });
  });

  test('by a path with a space and a link in it', async () => {
    await put('my project/deploy.config.ts', content);
    await symlink(join(base, 'my project'), join(base, 'linked'));
    expect((await load({ from: join(base, 'linked') })).application).toBe('shop');
  });
});

describe('is refused in words', () => {
  test('where there is none', async () => {
    expect(await refused()).toBe(`there is no deploy.config.ts in ${base} or above it; \`deploy init\` writes one`);
  });

  test('where the named file does not exist, or is a directory, or of an unknown kind', async () => {
    expect(await refused({ file: join(base, 'missing.ts') })).toBe(`${join(base, 'missing.ts')} does not exist`);
    expect(await refused({ file: join(base, 'missing.json') })).toBe(`${join(base, 'missing.json')} does not exist`);
    await put('config.toml', 'x = 1');
    expect(await refused({ file: join(base, 'config.toml') })).toMatch(/toml/);
    expect(await refused({ file: base })).toMatch(/cannot read the configuration/);
  });

  test.each([
    ['deploy.config.ts', 'export default {{'],
    ['deploy.config.mjs', 'export default {{'],
    ['deploy.config.cjs', 'module.exports = {{'],
    ['deploy.config.json', '{"application": '],
    ['deploy.config.yaml', 'a: [b'],
    ['deploy.config.ts', "throw new Error('no such thing')"],
    ['deploy.config.ts', "import 'no-such-package'; export default {}"],
    ['deploy.config.ts', "import './no-such-file'; export default {}"],
  ])('where %s holds %s: the file is named', async (name, content) => {
    await put(name, content);
    const words = await refused();
    expect(words).toContain(join(base, name));
    expect(words).not.toMatch(/^\s+at /m);
  });

  test.each([
    ['deploy.config.ts', ''],
    ['deploy.config.ts', 'export const config = 1;'],
    ['deploy.config.cjs', ''],
    ['deploy.config.mjs', 'export default () => ({})'],
    ['deploy.config.json', '[]'],
  ])('where %s (%j) exports no configuration', async (name, content) => {
    await put(name, content);
    expect(await refused()).toContain(join(base, name));
  });

  test.each(["const config = { application: 'shop' }", "export const config = { application: 'shop' }"])(
    'where it is not the default export, with how to write that: %s',
    async (content) => {
      await put('deploy.config.ts', content);
      expect(await refused()).toMatch(
        /deploy\.config\.ts exports no configuration: write `export default defineConfig/,
      );
    },
  );

  test('where it throws, with the line', async () => {
    await put('own.ts', "\nexport const own = () => { throw new Error('no such thing'); };");
    await put('deploy.config.ts', "import { own } from './own.ts';\nexport default own();");
    const words = await refused();
    expect(words).toMatch(/deploy\.config\.ts cannot be loaded: no such thing \(.*\/own\.ts:2:\d+\)$/);
  });

  test('with every problem at once, and the file', async () => {
    await put('deploy.config.json', JSON.stringify({ ...plain, keepReleases: 'x', aplication: 1 }));
    expect(await refused()).toBe(
      `2 problems in ${join(base, 'deploy.config.json')}:\n  keepReleases: must be a number, is "x"\n  aplication: unknown key; did you mean 'application'?`,
    );
  });

  test('with the problems that --set makes', async () => {
    await put('deploy.config.json', json);
    expect(await refused({ settings: ['keepReleases=x'] })).toMatch(
      /one problem in .*deploy.config.json with --set:\n {2}stages.production.keepReleases: must be a number/,
    );
    expect(await refused({ ref: 'main' })).toMatch(/--ref is for a git source/);
  });

  test('where the stage does not exist', async () => {
    await put('deploy.config.json', json);
    expect(await refused({ stage: 'prod', settings: ['a=b'] })).toMatch(/^there is no stage 'prod'/);
  });
});

test('--set and --ref reach the configuration', async () => {
  await put('deploy.config.json', JSON.stringify({ ...plain, source: { kind: 'git' } }));
  expect(await load({ settings: ['ssh.port=23', 'linkedDirs=["log"]'], ref: 'topic' })).toMatchObject({
    ssh: { port: 23 },
    linkedDirs: ['log'],
    source: { kind: 'git', ref: 'topic' },
  });
});
