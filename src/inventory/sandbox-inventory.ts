import type { Config } from '#config/config.ts';
import type { SandboxHost } from '#sandbox/start-sandbox.ts';
import type { Inventory } from './host.ts';
import { resolveSsh } from './resolve-ssh.ts';

/** The embedded hosts as an inventory: every one has its own root, below which `deployTo` lies. ssh_config says nothing of them. */
export const sandboxInventory = (config: Config, hosts: readonly SandboxHost[]): Inventory =>
  hosts.map((host, index) => ({
    ...loginOf(host, config),
    name: host.name,
    roles: ['app'],
    primary: index === 0,
    deployTo: `${host.root}${config.deployTo}`,
    root: host.root,
    peerAddress: host.address,
  }));

const loginOf = (host: SandboxHost, { ssh: { connectTimeout } }: Config) => {
  const from = 'sandbox';
  return resolveSsh(
    host.address,
    {
      user: { value: host.user, from },
      port: { value: host.port, from },
      identityFile: { value: [host.identityFile], from },
      knownHostsFile: { value: [host.knownHostsFile], from },
      ...(connectTimeout === undefined ? {} : { connectTimeout: { value: connectTimeout, from } }),
    },
    { config: [], local: NOBODY, exec: () => false, hops: new Map(), forHops: {}, transport: 'built-in' },
  );
};

const NOBODY = { user: '', home: '', machine: '', env: {} };
