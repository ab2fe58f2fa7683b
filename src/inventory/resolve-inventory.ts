import type { Config } from '#config/config.ts';
import type { WrittenHost } from '#config/written-config.ts';
import { chosenFor, chosenForHops } from './chosen-ssh.ts';
import { expandRange } from './expand-range.ts';
import type { Host, Inventory, Target } from './host.ts';
import { parseHost } from './parse-host.ts';
import { resolveSsh, type SshSurroundings } from './resolve-ssh.ts';
import type { SshConfig } from './ssh-config-file.ts';
import type { LocalMachine } from './ssh-tokens.ts';

/** What the hosts depend on besides deploy.config.ts. */
export interface InventorySurroundings {
  readonly sshConfig: SshConfig;
  readonly local: LocalMachine;
  /** Runs the command of a `Match exec`; true for exit code 0. */
  readonly exec: (command: string) => boolean;
  /** A path as written in deploy.config.ts. */
  readonly toLocal: (path: string) => string;
}

/** Every host of the stage, ranges expanded, ways to log in resolved; a host that is written twice is one, as `mergeHosts` says. */
export const resolveInventory = (config: Config, around: InventorySurroundings): Inventory => {
  const written = (config.hosts as readonly WrittenHost[]).flatMap((entry) =>
    expandRange(entry.host).map((text) => ({ entry, at: parseHost(text) })),
  );
  const ssh: SshSurroundings = {
    ...{ config: around.sshConfig, local: around.local, exec: around.exec, hops: new Map() },
    forHops: chosenForHops(config.ssh),
    transport: config.ssh.transport ?? 'built-in',
  };
  const entries = new Map<string, { said: WrittenHost; target: Target }>();
  for (const { entry, at } of written) {
    const { address, ...login } = at;
    const said = { ...entry, ...login, host: address, roles: entry.roles ?? ['app'] };
    const resolve = (host: WrittenHost) => resolveSsh(address, chosenFor(host, config, around.toLocal), ssh);
    const target = resolve(said);
    const key = `${address}:${target.port}`;
    const earlier = entries.get(key)?.said;
    const both = earlier && mergeHosts(earlier, said);
    entries.set(key, both ? { said: both, target: resolve(both) } : { said, target });
  }
  return nameHosts([...entries.values()].map(({ said, target }) => hostOf(config, said, target)));
};

/** Capistrano's rule: what the later one says wins, roles add up, properties are merged; what it does not say stays. */
const mergeHosts = (earlier: WrittenHost, later: WrittenHost): WrittenHost => ({
  ...earlier,
  ...later,
  roles: [...new Set([...(earlier.roles ?? []), ...(later.roles ?? [])])],
  primary: later.primary || earlier.primary || false,
  properties: { ...earlier.properties, ...later.properties },
});

const hostOf = (config: Config, entry: WrittenHost, target: Target): Host => ({
  ...target,
  roles: entry.roles ?? ['app'],
  primary: entry.primary ?? false,
  deployTo: entry.deployTo ?? config.deployTo,
  ...(entry.noRelease === undefined ? {} : { noRelease: entry.noRelease }),
  ...(entry.properties === undefined ? {} : { properties: entry.properties }),
  ...(entry.zone === undefined ? {} : { zone: entry.zone }),
  ...(entry.peerAddress === undefined ? {} : { peerAddress: entry.peerAddress }),
});

/** A host is called as it was written; hosts that share a name are told apart by their ports. */
const nameHosts = (hosts: readonly Host[]): Host[] => {
  const counts = new Map<string, number>();
  for (const { name } of hosts) counts.set(name, (counts.get(name) ?? 0) + 1);
  const named = ({ name, port }: Host) => (name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`);
  return hosts.map((host) => ((counts.get(host.name) ?? 0) > 1 ? { ...host, name: named(host) } : host));
};
