import type { Config } from '#config/config.ts';
import { resolveConfig } from '#config/resolve-config.ts';
import type { StageSettings, WrittenHost } from '#config/written-config.ts';
import type { Inventory } from '#inventory/host.ts';
import { type InventorySurroundings, resolveInventory } from '#inventory/resolve-inventory.ts';
import type { LocalMachine } from '#inventory/ssh-tokens.ts';

const around = { user: 'ann', home: '/home/ann', directory: '/project' };

/** A stage's configuration, resolved, with these hosts. */
export const configOf = (hosts: readonly (string | WrittenHost)[], settings: StageSettings = {}): Config =>
  resolveConfig(
    { application: 'shop', source: { kind: 'git' }, ...settings, stages: { production: { hosts } } },
    'production',
    around,
  );

/** The hosts of a stage as a run sees them; `~` is /home/ann. */
export const inventoryOf = (
  hosts: readonly (string | WrittenHost)[],
  settings: StageSettings = {},
  { sshConfig = [], env = {} }: Partial<Pick<InventorySurroundings, 'sshConfig'> & LocalMachine> = {},
): Inventory =>
  resolveInventory(configOf(hosts, settings), {
    sshConfig,
    local: { user: 'ann', home: '/home/ann', machine: 'laptop.example.com', env },
    exec: () => false,
    toLocal: (path) => path.replace(/^~/, '/home/ann'),
  });
