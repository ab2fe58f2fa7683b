/** A session to the first host of a fleet, without the rest of a run. */
import { expect } from 'vitest';
import { resolveConfig } from '#config/resolve-config.ts';
import type { WrittenSsh } from '#config/written-config.ts';
import { resolveInventory } from '#inventory/resolve-inventory.ts';
import type { CommandFailed } from '#recipe/remote.ts';
import { openSessions } from '#ssh/open-sessions.ts';
import type { Session } from '#ssh/session.ts';
import { openTransport, type Transport } from '#ssh/transport.ts';
import type { SshdFleet } from './sshd-fleet.ts';

/** Configuration and inventory of the fleet's hosts, with its key unless `ssh` says otherwise. */
export const settle = (fleet: SshdFleet, ssh: Partial<WrittenSsh>) => {
  const { user, identityFile, knownHostsFile, dir } = fleet;
  const common = { user, identityFile, knownHostsFile, configFile: false, reconnectTimeout: 0 } as const;
  const hosts = fleet.hosts.map(({ address, port }) => ({ host: address, port }));
  const source = { kind: 'dir', path: '.' } as const;
  const written = { application: 'shop', source, ssh: { ...common, ...ssh }, stages: { all: { hosts } } };
  const config = resolveConfig(written, 'all', { user, home: dir, directory: dir });
  const local = { user, home: dir, machine: 'here', env: {} };
  const inventory = resolveInventory(config, { sshConfig: [], local, exec: () => false, toLocal: (path) => path });
  return { config, inventory };
};

/** Logs in; the caller closes both, the session first. It does not reconnect. */
export const openSession = async (
  fleet: SshdFleet,
  transport: 'built-in' | 'openssh',
): Promise<[Transport, Session]> => {
  const { config, inventory } = settle(fleet, { transport });
  const { env } = process;
  const made = await openTransport({ ssh: config.ssh, emit: () => {}, env, path: env.PATH ?? '' });
  const { sessions, failures } = await openSessions(inventory, made, () => {}, new AbortController().signal);
  expect(failures).toEqual([]);
  return [made, sessions[0]!];
};

/** What a command that failed tells; undefined where it did not. */
export const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: CommandFailed) => error.facts,
  );
