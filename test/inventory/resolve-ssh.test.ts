import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SshConfig } from '#inventory/ssh-config-file.ts';
import { readSshConfig, sshConfigPlaces } from '#inventory/ssh-config-file.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';
import { inventoryOf } from './hosts.ts';

let dir: string;
let file: string;
beforeAll(async () => {
  dir = await makeTempDir('resolve-ssh');
  file = join(dir, '.ssh', 'config');
  await mkdir(join(dir, '.ssh'));
});
afterAll(() => removeTempDir(dir));

/** Reads these lines as the user's file. */
const read = async (...lines: readonly string[]): Promise<SshConfig> => {
  await writeFile(file, lines.join('\n'));
  return readSshConfig(sshConfigPlaces(undefined, dir).slice(0, 1), dir);
};

test('every value knows where it stands: a host, then ssh, then ssh_config, then the default', async () => {
  const sshConfig = await read(
    'Host web*',
    '  Port 2201',
    '  User carl',
    '  ConnectTimeout 1m',
    '  HostName %h.internal',
  );
  const settings = { ssh: { user: 'deploy', hostKeyChecking: 'accept-new' } } as const;
  const [host] = inventoryOf([{ host: 'web1', identityFile: '~/k' }], settings, {
    sshConfig,
    env: { SSH_AUTH_SOCK: '/agent' },
  });
  expect(host).toMatchObject({ name: 'web1', address: 'web1.internal', port: 2201, user: 'deploy' });
  const told = Object.fromEntries(host!.ssh.settings.map(({ name, value, from }) => [name, `${value} <- ${from}`]));
  expect(told).toMatchObject({
    HostName: `web1.internal <- ${file}:5`,
    Port: `2201 <- ${file}:2`,
    User: 'deploy <- deploy.config: ssh',
    IdentityFile: '/home/ann/k <- deploy.config: hosts',
    StrictHostKeyChecking: 'accept-new <- deploy.config: ssh',
    ConnectTimeout: `60 <- ${file}:4`,
    ServerAliveInterval: '15 <- default',
    IdentityAgent: '/agent <- environment',
    UserKnownHostsFile: '/home/ann/.ssh/known_hosts <- default',
  });
});

test('a host that is written twice, once with the port that ssh_config has, is one', async () => {
  const sshConfig = await read('Host a', '  Port 2201');
  expect(inventoryOf(['a', { host: 'a:2201', roles: ['db'] }], {}, { sshConfig })).toMatchObject([
    { name: 'a', port: 2201, roles: ['app', 'db'] },
  ]);
});

test('tokens, variables and ~ in paths, and the agent in a variable', async () => {
  const sshConfig = await read(
    ...[
      'IdentityFile ~/%r@%h:%p',
      `IdentityFile ${'$'}{KEYS}/%n-%u-%l-%L`,
      'IdentityFile %d/%%',
      'UserKnownHostsFile ~/k /%k',
    ],
    ...['IdentityAgent $OTHER', 'HostKeyAlias alias', 'Port 7', 'HostName real'],
  );
  const [host] = inventoryOf(
    ['root@a'],
    {},
    { sshConfig, env: { KEYS: '/keys', OTHER: '/other', SSH_AUTH_SOCK: '/agent' } },
  );
  expect(host!.ssh).toMatchObject({
    identityFiles: ['/home/ann/root@real:7', '/keys/a-ann-laptop.example.com-laptop', '/home/ann/%'],
    knownHostsFiles: ['/home/ann/k', '/alias', '/etc/ssh/ssh_known_hosts'],
    agent: '/other',
  });
});

describe('on the way', () => {
  const alone = (host: object | undefined) => JSON.parse(JSON.stringify(host, ['name', 'user', 'port', 'via', 'ssh']));

  test('everybody has settings of their own; what ssh says of keys holds for all, whom to be does not', async () => {
    const sshConfig = await read(
      'Host a',
      '  ProxyJump carl@one,two:2200',
      'Host one',
      '  ProxyJump zero',
      'Host two',
      '  User tom',
    );
    const [host] = inventoryOf(['a'], { ssh: { user: 'deploy', port: 9, identityFile: '/key' } }, { sshConfig });
    const hop = (name: string, user: string, port: number, via?: object) => ({
      name,
      user,
      port,
      ssh: via ? { via } : {},
    });
    expect(alone(host)).toEqual(
      hop('a', 'deploy', 9, hop('two', 'tom', 2200, hop('one', 'carl', 22, hop('zero', 'ann', 22)))),
    );
    expect(host!.ssh.via?.ssh).toMatchObject({ identityFiles: ['/key'], identityChosen: true });
  });

  test('hosts behind one bastion share it', async () => {
    const sshConfig = await read('Host a b', '  ProxyJump gate');
    const [a, b] = inventoryOf(['a', 'b'], {}, { sshConfig });
    expect(a!.ssh.via).toBe(b!.ssh.via);
  });

  test('deploy.config.ts takes a bastion or a command away, and puts one in place of the other', async () => {
    const sshConfig = await read('Host a', '  ProxyJump gate', 'Host b', '  ProxyCommand nc %h');
    const of = (ssh: object) =>
      inventoryOf(['a', 'b'], { ssh }, { sshConfig }).map((host) => [host.ssh.via?.name, host.ssh.proxyCommand]);
    expect(of({})).toEqual([
      ['gate', undefined],
      [undefined, 'nc b'],
    ]);
    expect(of({ proxyJump: false, proxyCommand: false })).toEqual([
      [undefined, undefined],
      [undefined, undefined],
    ]);
    expect(of({ proxyCommand: 'x %p' })).toEqual([
      [undefined, 'x 22'],
      [undefined, 'x 22'],
    ]);
    expect(of({ proxyJump: 'other' })).toEqual([
      ['other', undefined],
      ['other', undefined],
    ]);
  });

  test('a circle is refused', async () => {
    const sshConfig = await read('ProxyJump gate');
    expect(() => inventoryOf(['a'], {}, { sshConfig })).toThrow('ProxyJump goes in a circle: a -> gate -> gate');
  });
});

test('what is set and not done is named; what changes nothing, or is off, is not', async () => {
  const sshConfig = await read(
    'CertificateFile ~/c',
    'SendEnv LANG',
    'HostbasedAuthentication no',
    'ControlMaster auto',
  );
  expect(inventoryOf(['a'], {}, { sshConfig })[0]!.ssh.unsupported).toEqual([
    { name: 'CertificateFile', value: '~/c', from: `${file}:1`, byOpenSsh: true },
  ]);
});

test.each([
  [['Port x'], /config:1: port must be a number from 1 to 65535, is 'x'/],
  [['', 'IdentitiesOnly maybe'], /config:2: identitiesonly must be yes or no, is 'maybe'/],
  [['ConnectTimeout soon'], /config:1: connecttimeout must be a time/],
])('%j is refused with its line', async (lines, message) => {
  const sshConfig = await read(...lines);
  expect(() => inventoryOf(['a'], {}, { sshConfig })).toThrow(message);
});

test('a line that cannot be understood, files in a circle, and a named file that is not there are refused', async () => {
  await expect(read('Host')).rejects.toThrow(/config:1: cannot be understood: Host/);
  await expect(read('Include config')).rejects.toThrow(/include each other in a circle/);
  await expect(readSshConfig(sshConfigPlaces([join(dir, 'none')], dir), dir)).rejects.toThrow(/none does not exist/);
  expect(await readSshConfig(sshConfigPlaces([], dir), dir)).toEqual([]);
});
