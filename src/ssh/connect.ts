import type ssh2 from 'ssh2';
import type { Target } from '#inventory/host.ts';
import { tryCredentials } from './credentials.ts';
import { readKnownKeys } from './host-key.ts';
import type { Secrets } from './keys.ts';
import { logIn } from './log-in.ts';
import { openSocket, type Socket } from './open-socket.ts';
import { makePace } from './pace.ts';
import { runCommand } from './proxy-command.ts';
import { goThrough } from './through.ts';

export interface Connection {
  readonly client: ssh2.Client;
  readonly addresses: Socket['addresses'];
}

/** Leads to hosts: over those on the way, each of which is logged in to once. */
export type Connect = (target: Target, signal: AbortSignal) => Promise<Connection>;

/** Makes what opens SSH connections. What it rejects with is a ConnectFailed with the cause in words a person can act on. */
export const makeConnect = (secrets: Secrets): { readonly connect: Connect; close(): void } => {
  const gates = new Map<string, Promise<Connection>>();
  const pace = makePace();

  const connect: Connect = async (target, signal) => {
    return tryCredentials(target, secrets, (credentials) =>
      pace(target, signal, async () => {
        const known = await readKnownKeys(target); // anew: an earlier try may have added one
        const socket = await reach(target, signal);
        const client = await logIn(target, socket, known, credentials, signal);
        return { client, addresses: socket.addresses };
      }),
    );
  };
  const reach = async (target: Target, signal: AbortSignal): Promise<Socket> => {
    const { via, proxyCommand } = target.ssh;
    if (via) return goThrough(target, via, await enter(via, signal), signal);
    if (proxyCommand !== undefined) return runCommand(proxyCommand);
    return openSocket(target, signal);
  };
  const enter = (gate: Target, signal: AbortSignal): Promise<Connection> => {
    const key = wayOf(gate);
    const opening = gates.get(key) ?? connect(gate, signal);
    gates.set(key, opening);
    return opening;
  };
  const close = () => {
    for (const opening of gates.values())
      void opening.then(
        ({ client }) => client.end(),
        () => {},
      );
  };
  return { connect, close };
};

/** Every login on the way, for hosts that share it. */
const wayOf = ({ user, address, port, ssh }: Target): string =>
  `${ssh.via ? `${wayOf(ssh.via)} ` : ''}${user}@${address}:${port} ${ssh.proxyCommand ?? ''}`;
