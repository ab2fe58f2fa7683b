import { describe, expect, test } from 'vitest';
import { sandboxInventory } from '#inventory/sandbox-inventory.ts';
import { configOf, inventoryOf } from './hosts.ts';

test('a host that is only named has every default', () => {
  expect(inventoryOf(['web1'])).toMatchObject([
    {
      name: 'web1',
      address: 'web1',
      port: 22,
      user: 'ann',
      roles: ['app'],
      primary: false,
      deployTo: '/var/www/shop',
      ssh: {
        identityFiles: ['/home/ann/.ssh/id_ed25519', '/home/ann/.ssh/id_ecdsa', '/home/ann/.ssh/id_rsa'],
        identityChosen: false,
        knownHostsFiles: ['/home/ann/.ssh/known_hosts', '/etc/ssh/ssh_known_hosts'],
        connectTimeout: 20,
        hostKeyChecking: 'strict',
        aliveInterval: 15,
      },
    },
  ]);
});

test('what stands in the name of a host wins over its keys, which win over the configuration', () => {
  const ssh = { user: 'deploy', port: 2200, identityFile: '~/top', knownHostsFile: '~/known' };
  const hosts = inventoryOf(
    ['a', 'root@b:1', { host: 'c', user: 'carl', port: 2 }, { host: 'dora@d:3', user: 'x', port: 4 }],
    { ssh },
  );
  expect(hosts.map(({ user, address, port }) => `${user}@${address}:${port}`)).toEqual([
    'deploy@a:2200',
    'root@b:1',
    'carl@c:2',
    'dora@d:3',
  ]);
});

test('keys that were named are the only ones, those of the host alone where it has some', () => {
  const [a, b, c] = inventoryOf(
    ['a', { host: 'b', identityFile: ['~/b', '/b2'] }, { host: 'c', knownHostsFile: '~/k' }],
    { ssh: { identityFile: '~/top', knownHostsFile: ['~/known'] } },
    { env: { SSH_AUTH_SOCK: '/agent' } },
  );
  expect(a!.ssh).toMatchObject({
    identityFiles: ['/home/ann/top'],
    identityChosen: true,
    knownHostsFiles: ['/home/ann/known'],
    agent: '/agent',
  });
  expect(b!.ssh).toMatchObject({ identityFiles: ['/home/ann/b', '/b2'], identityChosen: true });
  expect(c!.ssh.knownHostsFiles).toEqual(['/home/ann/k']);
});

test('a range gives every one of its hosts the same keys', () => {
  const hosts = inventoryOf([
    { host: 'web[1:3]', roles: ['web'], zone: 'ams', deployTo: '/srv/x', peerAddress: '10.0.0.1', primary: true },
  ]);
  expect(hosts.map(({ name }) => name)).toEqual(['web1', 'web2', 'web3']);
  for (const host of hosts)
    expect(host).toMatchObject({
      roles: ['web'],
      zone: 'ams',
      deployTo: '/srv/x',
      peerAddress: '10.0.0.1',
      primary: true,
    });
});

describe('a host that is written twice', () => {
  test('is one, in its first place, with the roles of both', () => {
    const hosts = inventoryOf([
      { host: 'a', roles: ['app', 'web'] },
      'b',
      { host: 'a', roles: ['db', 'app'], primary: true },
    ]);
    expect(hosts.map(({ name, roles, primary }) => ({ name, roles, primary }))).toEqual([
      { name: 'a', roles: ['app', 'web', 'db'], primary: true },
      { name: 'b', roles: ['app'], primary: false },
    ]);
  });

  test('keeps what only one of the two says', () => {
    const hosts = [
      { host: 'web[1:2]', zone: 'ams', peerAddress: '10.0.0.1' },
      { host: 'web1', roles: ['db'] },
    ] as const;
    expect(inventoryOf(hosts)[0]).toMatchObject({ zone: 'ams', peerAddress: '10.0.0.1', roles: ['app', 'db'] });
    expect(inventoryOf(hosts.toReversed())[0]).toMatchObject({ zone: 'ams', peerAddress: '10.0.0.1' });
  });

  test('is what both say of it: the later one wins, properties are merged, what it does not say stays', () => {
    const [host] = inventoryOf([
      { host: 'root@a', identityFile: '/key', deployTo: '/srv/x', properties: { rack: 1, disk: 'ssd' } },
      { host: 'a', roles: ['db'], zone: 'ams', properties: { rack: 2 } },
    ]);
    expect(host).toMatchObject({
      ...{ user: 'root', deployTo: '/srv/x', zone: 'ams', roles: ['app', 'db'], properties: { rack: 2, disk: 'ssd' } },
      ssh: { identityFiles: ['/key'] },
    });
  });

  test('is two on two ports, and both are called by their ports', () => {
    expect(inventoryOf(['a:1', 'a:2', 'b:3', '[::1]:4', '[::1]:5']).map(({ name }) => name)).toEqual([
      'a:1',
      'a:2',
      'b',
      '[::1]:4',
      '[::1]:5',
    ]);
  });
});

test('embedded hosts are reached by their own keys, and each deploys below its own root', () => {
  const host = {
    name: 'sandbox01',
    address: '127.0.0.1' as const,
    port: 2201,
    user: 'ann',
    root: '/tmp/fleet/1',
    identityFile: '/tmp/key',
    knownHostsFile: '/tmp/known',
  };
  const hosts = sandboxInventory(configOf(['x'], { deployTo: '/var/www/shop' }), [
    host,
    { ...host, name: 'sandbox02', root: '/tmp/fleet/2' },
  ]);
  expect(hosts.map(({ name, deployTo, primary, roles }) => ({ name, deployTo, primary, roles }))).toEqual([
    { name: 'sandbox01', deployTo: '/tmp/fleet/1/var/www/shop', primary: true, roles: ['app'] },
    { name: 'sandbox02', deployTo: '/tmp/fleet/2/var/www/shop', primary: false, roles: ['app'] },
  ]);
  expect(hosts[0]!.ssh).toMatchObject({
    identityFiles: ['/tmp/key'],
    identityChosen: true,
    knownHostsFiles: ['/tmp/known'],
    connectTimeout: 20,
  });
});
