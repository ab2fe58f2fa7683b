import { describe, expect, test } from 'vitest';
import { configProblems } from '#config/check-config.ts';
import { archive, defineConfig, dir, git, sandbox } from '#config/define-config.ts';
import { defineRecipe } from '#recipe/recipe.ts';

const good = {
  application: 'shop',
  source: git({ ref: 'main' }),
  stages: { production: { hosts: ['web[01:20].example.com'] } },
};
const withKeys = (keys: object) => configProblems({ ...good, ...keys });
const inStage = (keys: object) => configProblems({ ...good, stages: { production: { hosts: ['a'], ...keys } } });

test('the smallest and the largest configuration have no problem', () => {
  expect(configProblems(good)).toEqual([]);
  expect(
    configProblems(
      defineConfig({
        ...good,
        deployTo: '/var/www/shop',
        source: git({ ref: 'main', repository: 'git@example.com:shop.git', directory: 'app' }),
        build: ['npm ci', 'npm run build'],
        strategy: 'sftp',
        keepReleases: 1,
        linkedFiles: ['.env', 'config/db.yml'],
        linkedDirs: ['log'],
        ssh: { user: 'deploy', port: 22, identityFile: '~/.ssh/id', knownHostsFile: ['a', 'b'], connectTimeout: 0.5 },
        swarm: { ports: '42000-42999', stallTimeout: 5 },
        recipes: [defineRecipe({ name: 'mine' })],
        stages: {
          production: {
            application: 'shop2',
            source: dir('build'),
            hosts: [
              'a',
              {
                host: 'b',
                port: 1,
                user: 'root',
                roles: ['app', 'db'],
                primary: true,
                zone: 'ams',
                peerAddress: '10.1.0.7',
                deployTo: '/srv/b',
              },
            ],
          },
          demo: { hosts: sandbox(6, { root: '/tmp/x' }), source: archive('app.tar.gz') },
        },
      }),
    ),
  ).toEqual([]);
});

test('all problems are told at once, each with its path', () => {
  const problems = configProblems({
    aplication: 'shop',
    source: { kind: 'git', reff: 'main' },
    keepReleases: '5',
    ssh: { prot: 22, port: 70_000 },
    swarm: { ports: '9-1', network: ['10.0.0.0/8', '10.0.0.0/33'], reach: 'nat' },
    linkedDirs: ['log', '/tmp', '../x', ''],
    stages: {
      production: { hosts: ['a', { host: 'b', rolse: ['app'], port: 'x' }, 7], strategy: 'bittorrent' },
      staging: { host: ['a'] },
      empty: { hosts: [] },
    },
  });
  expect(problems).toEqual(
    [
      "aplication: unknown key; did you mean 'application'?",
      'application: is missing',
      "source.reff: unknown key; did you mean 'ref'?",
      'keepReleases: must be a number, is "5"',
      "ssh.prot: unknown key; did you mean 'port'?",
      'ssh.port: must be at most 65535, is 70000',
      'swarm.ports: must run from a lower to a higher port, at most 65535, is "9-1"',
      `swarm.network[1]: must be a network such as '10.0.0.0/8' or 'fd00::/8', is "10.0.0.0/33"`,
      `swarm.reach: must be 'auto', 'direct' or 'ssh', is "nat"`,
      'linkedDirs[1]: must be relative to shared/, is "/tmp"',
      'linkedDirs[2]: must not contain `..`, is "../x"',
      'linkedDirs[3]: must not be empty',
      "stages.production.hosts[1].rolse: unknown key; did you mean 'roles'?",
      'stages.production.hosts[1].port: must be a number, is "x"',
      'stages.production.hosts[2]: must be an object, is 7',
      "stages.production.strategy: must be 'torrent' or 'sftp', is \"bittorrent\"",
      "stages.staging.host: unknown key; did you mean 'hosts'?",
      'stages.staging.hosts: is missing',
      'stages.empty.hosts: must name at least one host',
    ].sort(byGiven(problems)),
  );
});

/** Order does not matter to people: compares as sets with a readable difference. */
function byGiven(given: readonly string[]) {
  return (a: string, b: string) => given.indexOf(a) - given.indexOf(b);
}

describe('what is no configuration at all is told in words', () => {
  test.each([[undefined], [null], ['shop'], [7], [[]], [{}]])('%j', (value) => {
    const problems = configProblems(value);
    expect(problems.length).toBeGreaterThan(0);
    for (const problem of problems)
      expect(problem).toMatch(/^(the configuration: must be an object|\w+: (is missing|must))/);
  });
});

test.each([
  [
    'application with a space',
    { application: 'my shop' },
    'application: may hold letters, digits, `.`, `_` and `-` only',
  ],
  ['application that climbs', { application: '..' }, 'application: may hold'],
  ['relative deployTo', { deployTo: 'www' }, 'deployTo: must be an absolute path, as /var/www/shop'],
  ['root as deployTo', { deployTo: '/' }, 'deployTo: must be an absolute path, as /var/www/shop'],
  ['deployTo that climbs', { deployTo: '/var/../etc' }, 'deployTo: must not contain `..`'],
  ['no release kept', { keepReleases: 0 }, 'keepReleases: must be at least 1'],
  ['half a release kept', { keepReleases: 1.5 }, 'keepReleases: must be'],
  ['source that is text', { source: 'main' }, 'source: must be'],
  [
    'source of a new kind',
    { source: { kind: 'svn' } },
    "source.kind: must be git({ref: 'main'}), dir('build') or archive('app.tar.gz')",
  ],
  ['archive of another kind', { source: archive('app.zip') }, 'source.path: must be a .tar, .tar.gz or .tgz file'],
  ['recipe that is a function', { recipes: [() => {}] }, 'recipes[0]: must be a recipe made by defineRecipe'],
  ['build that is a number', { build: 7 }, 'build: must be a text or a list of texts'],
  ['no stages', { stages: {} }, 'stages: must hold at least one stage'],
  ['stages as a list', { stages: [] }, 'stages: must'],
  ['timeout of nothing', { ssh: { connectTimeout: 0 } }, 'ssh.connectTimeout: must be more than 0'],
])('%s is one problem', (_, keys, problem) => {
  expect(withKeys(keys)).toEqual([expect.stringContaining(problem)]);
});

test.each(['init', 'tasks', 'doctor', 'swarm', 'run', 'releases', 'distribute'])(
  'a stage cannot be called %s: that is a command',
  (name) => {
    expect(configProblems({ ...good, stages: { [name]: { hosts: ['a'] } } })).toEqual([
      `stages.${name}: '${name}' is a command; give the stage another name`,
    ]);
  },
);

test('every key of the top level but stages may stand in a stage, with the same checks', () => {
  expect(inStage({ keepReleases: 2, ssh: { port: 2222 }, build: 'make' })).toEqual([]);
  expect(inStage({ ssh: { port: 0 } })).toEqual([
    expect.stringMatching(/^stages\.production\.ssh\.port: must be at least 1/),
  ]);
  expect(inStage({ stages: {} })).toEqual([expect.stringMatching(/^stages\.production\.stages: unknown key/)]);
});

test('a misspelt key of an embedded fleet or of a source gets a suggestion, too', () => {
  expect(inStage({ hosts: { kind: 'sandbox', cuont: 3 } })).toEqual(
    expect.arrayContaining([
      "stages.production.hosts.cuont: unknown key; did you mean 'count'?",
      'stages.production.hosts.count: is missing',
    ]),
  );
  expect(withKeys({ source: { kind: 'dir', pth: 'x' } })).toEqual(
    expect.arrayContaining(["source.pth: unknown key; did you mean 'path'?"]),
  );
});

test('a key that is like no other gets no suggestion', () => {
  expect(withKeys({ zzzzzzzz: 1 })).toEqual(['zzzzzzzz: unknown key']);
});
