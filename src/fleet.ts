import { join } from 'node:path';
import type { Config } from '#config/config.ts';
import { localPath } from '#config/resolve-config.ts';
import type { Sandbox } from '#config/written-config.ts';
import type { Inventory } from '#inventory/host.ts';
import { runsWell } from '#inventory/match-exec.ts';
import { resolveInventory } from '#inventory/resolve-inventory.ts';
import { sandboxInventory } from '#inventory/sandbox-inventory.ts';
import { readSshConfig, sshConfigPlaces } from '#inventory/ssh-config-file.ts';

export interface Fleet {
  readonly inventory: Inventory;
  close(): Promise<void>;
}

export interface FleetSurroundings {
  readonly user: string;
  readonly home: string;
  readonly machine: string;
  /** For variables that ssh_config names, and for commands that it asks. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** PATH for the commands of embedded hosts. */
  readonly path: string;
}

/** The hosts as they will be, without starting any. */
export const plannedInventory = async (config: Config, around: FleetSurroundings): Promise<Inventory> => {
  if (!isSandbox(config.hosts)) return writtenInventory(config, around);
  const names = Array.from(
    { length: config.hosts.count },
    (_, index) => `sandbox${String(index + 1).padStart(2, '0')}`,
  );
  return sandboxInventory(
    config,
    names.map((name) => ({
      name,
      address: '127.0.0.1',
      port: 0,
      user: '',
      root: '',
      identityFile: '',
      knownHostsFile: '',
    })),
  );
};

/** The hosts of a stage: those that are written, or embedded ones, which are started for the run. */
export const openFleet = async (config: Config, around: FleetSurroundings): Promise<Fleet> => {
  if (!isSandbox(config.hosts)) return { inventory: await writtenInventory(config, around), close: async () => {} };
  const root =
    config.hosts.root === undefined
      ? join(config.directory, '.rookery', 'sandbox', config.stage)
      : localPath(config.hosts.root, { home: around.home, directory: config.directory });
  const { startSandbox } = await import('#sandbox/start-sandbox.ts');
  const sandbox = await startSandbox({ name: 'sandbox', count: config.hosts.count, root, env: { PATH: around.path } });
  return { inventory: sandboxInventory(config, sandbox.hosts), close: sandbox.close };
};

const writtenInventory = async (config: Config, { user, home, machine, env }: FleetSurroundings): Promise<Inventory> =>
  resolveInventory(config, {
    sshConfig: await readSshConfig(sshConfigPlaces(config.ssh.configFile, home), home),
    local: { user, home, machine, env },
    exec: runsWell(env),
    toLocal: (path) => localPath(path, { home, directory: config.directory }),
  });

const isSandbox = (hosts: Config['hosts']): hosts is Sandbox => 'kind' in hosts;
