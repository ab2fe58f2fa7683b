import type { Config } from '#config/config.ts';
import type { WrittenHost } from '#config/written-config.ts';
import type { SandboxHost } from '#sandbox/start-sandbox.ts';
import { expandRange } from './expand-range.ts';
import type { Host, Inventory } from './host.ts';
import { parseHost } from './parse-host.ts';

/** Where a user's keys and agent are. */
export interface LocalUser {
  readonly home: string;
  /** Value of SSH_AUTH_SOCK. */
  readonly agent?: string;
}

/** Every host of the stage, ranges expanded, defaults filled in; a host that is written twice is one, as `mergeHosts` says. */
export const resolveInventory = (config: Config, user: LocalUser, expandPath: (path: string) => string): Inventory => {
  const written = (config.hosts as readonly WrittenHost[]).flatMap((entry) =>
    expandRange(entry.host).map((text) => ({ entry, at: parseHost(text) })),
  );
  const entries = new Map<string, WrittenHost>();
  for (const { entry, at } of written) {
    const port = at.port ?? entry.port ?? config.ssh.port;
    const key = `${at.address}:${port}`;
    const user = at.user ?? entry.user;
    const said = {
      ...entry,
      ...(user === undefined ? {} : { user }),
      host: at.address,
      port,
      roles: entry.roles ?? ['app'],
    };
    const earlier = entries.get(key);
    entries.set(key, earlier ? mergeHosts(earlier, said) : said);
  }
  return nameHosts([...entries.values()].map((entry) => resolveHost(config, user, expandPath, entry)));
};

/** Capistrano's rule: what the later one says wins, roles add up, properties are merged; what it does not say stays. */
const mergeHosts = (earlier: WrittenHost, later: WrittenHost): WrittenHost => ({
  ...earlier,
  ...later,
  roles: [...new Set([...(earlier.roles ?? []), ...(later.roles ?? [])])],
  primary: later.primary || earlier.primary || false,
  properties: { ...earlier.properties, ...later.properties },
});

/** The embedded hosts as an inventory: every one has its own root, below which `deployTo` lies. */
export const sandboxInventory = (config: Config, hosts: readonly SandboxHost[]): Inventory =>
  hosts.map((host, index) => ({
    name: host.name,
    address: host.address,
    port: host.port,
    user: host.user,
    roles: ['app'],
    primary: index === 0,
    deployTo: `${host.root}${config.deployTo}`,
    root: host.root,
    peerAddress: host.address,
    ssh: {
      identityFiles: [host.identityFile],
      identityChosen: true,
      knownHostsFiles: [host.knownHostsFile],
      connectTimeout: config.ssh.connectTimeout,
    },
  }));

const resolveHost = (
  config: Config,
  user: LocalUser,
  expandPath: (path: string) => string,
  entry: WrittenHost,
): Host => {
  const chosen = entry.identityFile === undefined ? config.ssh.identityFile : list(entry.identityFile).map(expandPath);
  return {
    name: entry.host,
    address: entry.host,
    port: entry.port ?? config.ssh.port,
    user: entry.user ?? config.ssh.user,
    roles: entry.roles ?? ['app'],
    primary: entry.primary ?? false,
    deployTo: entry.deployTo ?? config.deployTo,
    ...(entry.noRelease === undefined ? {} : { noRelease: entry.noRelease }),
    ...(entry.properties === undefined ? {} : { properties: entry.properties }),
    ...(entry.zone === undefined ? {} : { zone: entry.zone }),
    ...(entry.peerAddress === undefined ? {} : { peerAddress: entry.peerAddress }),
    ssh: {
      identityFiles: chosen ?? DEFAULT_KEYS.map((name) => `${user.home}/.ssh/${name}`),
      identityChosen: chosen !== undefined,
      knownHostsFiles:
        entry.knownHostsFile === undefined ? config.ssh.knownHostsFile : list(entry.knownHostsFile).map(expandPath),
      ...(user.agent === undefined ? {} : { agent: user.agent }),
      connectTimeout: config.ssh.connectTimeout,
    },
  };
};

const DEFAULT_KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/** A host is called by its address; hosts that share one are told apart by their ports. */
const nameHosts = (hosts: readonly Host[]): Host[] => {
  const count = (address: string) => hosts.filter((host) => host.address === address).length;
  const named = ({ address, port }: Host) => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);
  return hosts.map((host) => (count(host.address) > 1 ? { ...host, name: named(host) } : host));
};

const list = (value: string | readonly string[]): readonly string[] => (typeof value === 'string' ? [value] : value);
