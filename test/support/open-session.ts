/** A session to the first host of a fleet, without the rest of a run. */
import { expect } from 'vitest';
import { resolveConfig } from '#config/resolve-config.ts';
import { resolveInventory } from '#inventory/resolve-inventory.ts';
import type { CommandFailed } from '#recipe/remote.ts';
import { openSessions } from '#ssh/open-sessions.ts';
import type { Session } from '#ssh/session.ts';
import { openTransport, type Transport } from '#ssh/transport.ts';
import type { SshdFleet } from './sshd-fleet.ts';

/** Logs in; the caller closes both, the session first. It does not reconnect. */
export const openSession = async (
  fleet: SshdFleet,
  transport: 'built-in' | 'openssh',
): Promise<[Transport, Session]> => {
  const { user, identityFile, knownHostsFile, dir } = fleet;
  const ssh = { transport, user, identityFile, knownHostsFile, configFile: false, reconnectTimeout: 0 } as const;
  const hosts = fleet.hosts.map(({ address, port }) => ({ host: address, port }));
  const source = { kind: 'dir', path: '.' } as const;
  const written = { application: 'shop', source, ssh, stages: { all: { hosts } } };
  const config = resolveConfig(written, 'all', { user, home: dir, directory: dir });
  const local = { user, home: dir, machine: 'here', env: {} };
  const around = { sshConfig: [], local, exec: () => false, toLocal: (path: string) => path };
  const { env } = process;
  const made = await openTransport({ ssh: config.ssh, emit: () => {}, env, path: env.PATH ?? '' });
  const { signal } = new AbortController();
  const { sessions, failures } = await openSessions(resolveInventory(config, around), made, () => {}, signal);
  expect(failures).toEqual([]);
  return [made, sessions[0]!];
};

/** What a command that failed tells; undefined where it did not. */
export const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: CommandFailed) => error.facts,
  );
