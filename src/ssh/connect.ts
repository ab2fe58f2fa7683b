import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import type ssh2 from 'ssh2';
import type { Target } from '#inventory/host.ts';
import { clientLink } from './client-link.ts';
import { tryCredentials } from './credentials.ts';
import { gatherWrites } from './gather-writes.ts';
import { readKnownKeys } from './host-key.ts';
import type { Secrets } from './keys.ts';
import { logIn } from './log-in.ts';
import { openSocket, type Socket } from './open-socket.ts';
import { makePace } from './pace.ts';
import { runCommand } from './proxy-command.ts';
import { goThrough } from './through.ts';
import type { Transport } from './transport.ts';
import { makeTurns } from './turns.ts';
import { makeWays } from './ways.ts';

export interface Connection {
  readonly client: ssh2.Client;
  /** Ends it without a word to the other side, also where that is about to be closed and never answers: ssh2's own `destroy` does nothing then. */
  readonly cut: () => void;
  /** Resolves when its end, and all before it, is on its way to the host, or there is no way to it any more; never where a program is the way. */
  readonly sent: () => Promise<void>;
  readonly addresses: Socket['addresses'];
}

/**
 * The transport that speaks SSH by itself.
 * @param dialled called whenever a host is being dialled
 */
export const builtInTransport = (secrets: Secrets, dialled: () => void = () => {}): Transport => {
  const pace = makePace();
  const turns = makeTurns(() => secrets.hasAsked);
  const logInTo = (target: Target, via: Connection | undefined, signal: AbortSignal): Promise<Connection> =>
    tryCredentials(target, secrets, turns, (credentials) =>
      pace(target, signal, async () => {
        const known = await readKnownKeys(target); // anew: an earlier try may have added one
        const reaching = reach(target, via, signal);
        dialled();
        const socket = await reaching;
        gatherWrites(socket.stream);
        const client = await logIn(target, socket, known, credentials, signal);
        const { stream, addresses, complaint } = socket;
        const ends = complaint ? () => NEVER : () => sent(stream); // a program on the way is ended when the host has answered
        return { client, addresses, cut: () => void stream.destroy(), sent: ends };
      }),
    );
  const ways = makeWays(logInTo, ({ client }) => new Promise<void>((resolve) => client.once('close', () => resolve())));
  return {
    connect: async (host, signal) => clientLink(host.name, await ways.connect(host, signal)),
    askNoMore: secrets.askNoMore,
    close: async () => {
      for (const { client } of await ways.entered()) client.end();
    },
  };
};

const NEVER = new Promise<void>(() => {});

const sent = (stream: Duplex): Promise<void> => finished(stream, { readable: false }).catch(() => {});

const reach = async (target: Target, via: Connection | undefined, signal: AbortSignal): Promise<Socket> => {
  const { ssh } = target;
  if (ssh.via && via) return goThrough(target, ssh.via, via, signal);
  if (ssh.proxyCommand !== undefined) return runCommand(ssh.proxyCommand);
  return openSocket(target, signal);
};
