import { join } from 'node:path';
import type { Config } from '#config/config.ts';
import { localPath } from '#config/resolve-config.ts';
import type { Sandbox } from '#config/written-config.ts';
import type { Inventory } from '#inventory/host.ts';
import { resolveInventory, sandboxInventory } from '#inventory/resolve-inventory.ts';
import { startSandbox } from '#sandbox/start-sandbox.ts';

export interface Fleet {
  readonly inventory: Inventory;
  close(): Promise<void>;
}

export interface FleetSurroundings {
  readonly user: string;
  readonly home: string;
  readonly agent?: string;
  readonly path: string;
}

/** The hosts as they will be, without starting any. */
export const plannedInventory = (config: Config, around: FleetSurroundings): Inventory => {
  if (!isSandbox(config.hosts))
    return resolveInventory(config, around, (path) =>
      localPath(path, { home: around.home, directory: config.directory }),
    );
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
  const toLocal = (path: string) => localPath(path, { home: around.home, directory: config.directory });
  if (!isSandbox(config.hosts)) return { inventory: resolveInventory(config, around, toLocal), close: async () => {} };
  const root =
    config.hosts.root === undefined
      ? join(config.directory, '.rookery', 'sandbox', config.stage)
      : toLocal(config.hosts.root);
  const sandbox = await startSandbox({ name: 'sandbox', count: config.hosts.count, root, env: { PATH: around.path } });
  return { inventory: sandboxInventory(config, sandbox.hosts), close: sandbox.close };
};

const isSandbox = (hosts: Config['hosts']): hosts is Sandbox => 'kind' in hosts;
