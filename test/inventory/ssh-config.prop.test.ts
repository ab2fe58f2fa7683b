import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Target } from '#inventory/host.ts';
import { runsWell } from '#inventory/match-exec.ts';
import { resolveSsh } from '#inventory/resolve-ssh.ts';
import { readSshConfig } from '#inventory/ssh-config-file.ts';
import { expandPath, expandTokens } from '#inventory/ssh-tokens.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';
import { needs } from '../support/tools.ts';

const NAMES = ['web1', 'web2', 'db.example.com', 'Web1', 'gate'];
const PATTERNS = ['*', 'web*', 'web?', '!web2', '*.example.com', 'gate', 'WEB1', 'web1', '!*.com'];
const pick = <T>(...values: readonly T[]) => fc.constantFrom(...values);
const many = <T>(of: fc.Arbitrary<T>) => fc.array(of, { minLength: 1, maxLength: 3 });

const setting = fc.oneof(
  pick('HostName %h.internal', 'hostname 10.0.0.7', 'HostName=a%%b', 'HostName "db.example.com"', 'HostName web2'),
  pick('User deploy', 'USER = root', 'User "a b"', 'Port 2222', 'Port=22 # a comment', 'port  "2200"'),
  pick('IdentityFile ~/.ssh/a', 'IdentityFile "~/.ssh/with space"', 'IdentityFile /keys/%h', 'IdentityFile ~/.ssh/a'),
  pick('IdentitiesOnly yes', 'IdentitiesOnly no', 'ConnectTimeout 1m', 'ConnectTimeout 7', 'ServerAliveInterval 9'),
  pick('ServerAliveCountMax 2', 'ForwardAgent yes', 'HostKeyAlias other', 'StrictHostKeyChecking accept-new'),
  pick('UserKnownHostsFile /a "/b c"', 'UserKnownHostsFile ~/.ssh/k', 'GlobalKnownHostsFile /g', 'HashKnownHosts yes'),
  pick(
    'ProxyJump jump2',
    'ProxyJump a@jump1:2200,[::1]',
    'ProxyJump none',
    'ProxyCommand none',
    'ProxyCommand nc %h  "%p" # x',
  ),
  pick('Ciphers aes256-ctr', 'BindAddress 127.0.0.2', 'AddressFamily inet', 'BatchMode yes', 'SendEnv LANG LC_*'),
);
const criterion = fc.oneof(
  fc
    .tuple(
      pick('host', '!host', 'originalhost', '!originalhost', 'user', 'localuser', 'HOST'),
      many(pick(...PATTERNS, 'deploy', 'root', '10.*')),
    )
    .map(([word, patterns]) => `${word} ${patterns.join(',')}`),
  pick(
    'exec true',
    '!exec "exit 1"',
    'exec "test %h = web1"',
    'exec "test %n-%p-%r = web1-2222-deploy"',
    'final',
    '!final',
  ),
);
const head = fc.oneof(
  many(pick(...PATTERNS)).map((patterns) => `Host ${patterns.join(' ')}`),
  many(criterion).map((criteria) => `Match ${criteria.join(' ')}`),
  pick('Match all', 'Match final all', 'Host "web1" gate'),
);
const block = fc
  .tuple(
    head,
    fc.array(
      fc.oneof({ weight: 6, arbitrary: setting }, pick('# a comment', '', 'Include DIR/more', 'Include DIR/part-*')),
      { maxLength: 5 },
    ),
  )
  .map(([first, rest]) => [first, ...rest.map((line) => `\t${line}`)].join('\n'));
const file = fc
  .tuple(fc.array(setting, { maxLength: 2 }), fc.array(block, { maxLength: 5 }))
  .map(([top, blocks]) => [...top, ...blocks, ''].join('\n'));

describe.skipIf(!needs('ssh'))('ssh_config is understood as ssh -G does', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await makeTempDir('ssh-config');
  });
  afterAll(() => removeTempDir(dir));

  const { username, homedir } = userInfo();
  const env = { PATH: process.env.PATH ?? '', SHELL: '/bin/sh' };
  const local = { user: username, home: homedir, machine: 'here', env };

  /** What ssh makes of the file, in the words of ours; undefined where it refuses the file. */
  const theirs = async (config: string, alias: string): Promise<Record<string, string> | undefined> => {
    const answer = await promisify(execFile)('ssh', ['-G', '-F', config, alias], { env }).catch(() => undefined);
    if (answer === undefined) return undefined;
    const lines = answer.stdout.split('\n').map((line) => [line.split(' ')[0]!, line.slice(line.indexOf(' ') + 1)]);
    const identityFiles = lines.filter(([name]) => name === 'identityfile').map(([, value]) => value);
    return { ...Object.fromEntries(lines), identityfile: identityFiles.join('|') };
  };
  const ours = async (config: string, alias: string): Promise<Target | undefined> => {
    const read = await readSshConfig([{ path: config, named: true, base: dir }], homedir);
    try {
      return resolveSsh(
        alias,
        {},
        { config: read, local, exec: runsWell(env), hops: new Map(), forHops: {}, transport: 'built-in' },
      );
    } catch (error) {
      if (/goes in a circle/.test((error as Error).message)) return undefined;
      throw error;
    }
  };

  test('for any file and host', async () => {
    const run = async (main: string, more: string, part: string, alias: string) => {
      const config = join(dir, 'config');
      const text = main.replaceAll('DIR', dir);
      await Promise.all([
        writeFile(config, text),
        writeFile(join(dir, 'more'), more),
        writeFile(join(dir, 'part-1'), part),
      ]);
      const [expected, target] = await Promise.all([theirs(config, alias), ours(config, alias)]);
      if (expected === undefined || target === undefined) return;
      const { ssh } = target;
      const tokens = {
        host: target.address,
        alias,
        port: target.port,
        user: target.user,
        hostKeyAlias: ssh.hostKeyAlias ?? target.address,
        local,
      };
      const said = (name: string) =>
        ssh.settings.find((setting) => setting.name === name && setting.from !== 'default')?.value;
      const whereSaid = (name: string, value: string | undefined) => (said(name) === undefined ? undefined : value);
      const found = {
        hostname: target.address,
        user: target.user,
        port: String(target.port),
        identityfile: whereSaid('IdentityFile', ssh.identityFiles.join('|')),
        identitiesonly: ssh.identitiesOnly ? 'yes' : 'no',
        connecttimeout: whereSaid('ConnectTimeout', String(ssh.connectTimeout)),
        serveraliveinterval: whereSaid('ServerAliveInterval', String(ssh.aliveInterval)),
        serveralivecountmax: String(ssh.aliveCountMax),
        forwardagent: said('ForwardAgent') ?? 'no',
        hostkeyalias: ssh.hostKeyAlias,
        stricthostkeychecking: whereSaid('StrictHostKeyChecking', ssh.hostKeyChecking),
        hashknownhosts: ssh.hashKnownHosts ? 'yes' : 'no',
        userknownhostsfile: said('UserKnownHostsFile'),
        globalknownhostsfile: said('GlobalKnownHostsFile'),
        proxyjump: ssh.via && said('ProxyJump')?.replaceAll(' ', ','),
        proxycommand: ssh.proxyCommand && expandTokens(ssh.proxyCommand, tokens),
        bindaddress: ssh.bindAddress,
      };
      const compared = Object.fromEntries(
        Object.entries(found).map(([name, value]) => [name, value === undefined ? undefined : expected[name]]),
      );
      if (compared.identityfile !== undefined) {
        const files = compared.identityfile.split('|').map((path) => expandPath(path, tokens));
        compared.identityfile = [...new Set(files)].join('|');
      }
      if (compared.proxycommand !== undefined) compared.proxycommand = expandTokens(compared.proxycommand, tokens);
      expect({ text, found }).toEqual({ text, found: compared });
      for (const name of ['proxyjump', 'proxycommand', 'hostkeyalias'] as const)
        if (expected[name] !== undefined)
          expect({ text, name, value: found[name] }).not.toEqual({ text, name, value: undefined });
    };
    await fc.assert(fc.asyncProperty(file, file, file, pick(...NAMES), run), {
      numRuns: Number(process.env.RUNS ?? 60),
    });
  });
});
