import { describe, expect, test } from 'vitest';
import { dir, git, sandbox } from '#config/define-config.ts';
import { localPath, resolveConfig } from '#config/resolve-config.ts';
import type { WrittenConfig } from '#config/written-config.ts';
import { defineRecipe } from '#recipe/recipe.ts';

const around = { user: 'ann', home: '/home/ann', directory: '/project' };
const written: WrittenConfig = {
  application: 'shop',
  source: git(),
  stages: { production: { hosts: ['a', { host: 'b', roles: ['db'] }] } },
};

test('what is not written has its default', () => {
  expect(resolveConfig(written, 'production', around)).toEqual({
    application: 'shop',
    stage: 'production',
    directory: '/project',
    deployTo: '/var/www/shop',
    source: { kind: 'git' },
    build: [],
    strategy: 'torrent',
    keepReleases: 5,
    linkedFiles: [],
    linkedDirs: [],
    hosts: [{ host: 'a' }, { host: 'b', roles: ['db'] }],
    ssh: {},
    swarm: {
      ports: [42_000, 42_999],
      stallTimeout: 60,
      network: [],
      reach: 'auto',
      runtime: 'auto',
      minBytes: 3_000_000,
      encryption: true,
    },
    recipes: [],
    set: {},
    roles: ['db'],
    limits: {},
    failurePolicy: { onFailure: 'stop' },
  });
});

test('every key of the stage wins over the top level', () => {
  const top = {
    deployTo: '/a',
    build: 'make a',
    strategy: 'torrent',
    keepReleases: 1,
    linkedFiles: ['a'],
    linkedDirs: ['a'],
    recipes: [defineRecipe({ name: 'a' })],
  } as const;
  const own = {
    deployTo: '/b',
    build: ['make b', 'test b'],
    strategy: 'sftp',
    keepReleases: 2,
    linkedFiles: [],
    linkedDirs: ['b'],
    recipes: [defineRecipe({ name: 'b' })],
  } as const;
  const config = resolveConfig(
    {
      ...written,
      ...top,
      stages: { production: { ...own, hosts: sandbox(2), application: 'other', source: dir('x') } },
    },
    'production',
    around,
  );
  expect(config).toMatchObject({
    ...own,
    application: 'other',
    source: { kind: 'dir', path: 'x' },
    hosts: { kind: 'sandbox', count: 2 },
  });
});

test('ssh and swarm are merged key by key', () => {
  const config = resolveConfig(
    {
      ...written,
      ssh: { user: 'deploy', port: 22, connectTimeout: 3, identityFile: 'keys/a' },
      swarm: { ports: '1000-2000', stallTimeout: 9 },
      stages: {
        production: { hosts: ['a'], ssh: { port: 2222, identityFile: ['~/b', '/c'] }, swarm: { ports: '3000-3000' } },
      },
    },
    'production',
    around,
  );
  expect(config.ssh).toMatchObject({
    user: 'deploy',
    port: 2222,
    connectTimeout: 3,
    identityFile: ['/home/ann/b', '/c'],
  });
  expect(config.swarm).toMatchObject({ ports: [3000, 3000], stallTimeout: 9 });
});

test("the directory on the hosts follows the stage's own name of the application", () => {
  const stages = { beta: { hosts: ['a'], application: 'shop-beta' } };
  expect(resolveConfig({ ...written, stages }, 'beta', around).deployTo).toBe('/var/www/shop-beta');
});

describe('a stage that does not exist', () => {
  test('is refused with the nearest, and all that there are', () => {
    expect(() => resolveConfig(written, 'prodution', around)).toThrow(
      "there is no stage 'prodution'; did you mean 'production'? The stages are: production.",
    );
    expect(() => resolveConfig(written, 'zzz', around)).toThrow("there is no stage 'zzz'. The stages are: production.");
  });

  test.each(['constructor', '__proto__', 'toString'])('may have the name of what every object has: %s', (name) => {
    expect(() => resolveConfig(written, name, around)).toThrow(/there is no stage/);
  });
});

test('paths on this machine start at home, at the root, or at the config file', () => {
  const paths = ['~', '~/a', '/a', 'a', './a', '../a', '~ann/a'].map((path) => localPath(path, around));
  expect(paths).toEqual(['/home/ann', '/home/ann/a', '/a', '/project/a', '/project/a', '/a', '/project/~ann/a']);
});
