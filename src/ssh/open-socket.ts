import { connect as connectTcp, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Target } from '#inventory/host.ts';
import { ConnectFailed } from './connect-failed.ts';
import { where } from './where.ts';

/** What carries an SSH connection. */
export interface Socket {
  readonly stream: Duplex;
  /** This machine's address on it, and the host's; empty where others stand between the two. */
  readonly addresses: { readonly local: string; readonly remote: string };
  /** What the program that carries it says of its end; it is ended. */
  readonly complaint?: () => Promise<string>;
}

/** Opens a TCP connection. @throws ConnectFailed */
export const openSocket = (target: Target, signal: AbortSignal): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const { bindAddress, family, connectTimeout } = target.ssh;
    const kind = isIP(target.address);
    if (family !== undefined && kind !== 0 && kind !== family) return reject(wrongFamily(target, kind)); // Node would connect
    const socket = connectTcp({
      ...{ host: target.address, port: target.port, noDelay: true },
      ...(bindAddress === undefined ? {} : { localAddress: bindAddress }),
      ...(family === undefined ? {} : { family }),
    });
    const give = (code: string) => () => socket.destroy(Object.assign(new Error(code), { code }));
    const stop = give('interrupted');
    socket.setTimeout(connectTimeout * 1000, give('ETIMEDOUT'));
    signal.addEventListener('abort', stop, { once: true }); // while connecting only: an open connection is needed to tidy up
    socket.once('error', (error: NodeJS.ErrnoException) => {
      signal.removeEventListener('abort', stop);
      reject(new ConnectFailed('connect', explain(target, error), PASSING.includes(error.code ?? '')));
    });
    socket.once('connect', () => {
      signal.removeEventListener('abort', stop);
      socket.setTimeout(0);
      socket.removeAllListeners('error');
      const { localAddress, remoteAddress } = socket;
      resolve({ stream: socket, addresses: { local: plain(localAddress), remote: plain(remoteAddress) } });
    });
    if (signal.aborted) stop();
  });

const wrongFamily = (target: Target, kind: number): ConnectFailed =>
  new ConnectFailed(
    'connect',
    `cannot reach ${where(target)}: AddressFamily of ssh_config excludes IPv${kind} addresses`,
  );

/** Causes that may be gone a little later. */
const PASSING = ['ECONNRESET', 'EAI_AGAIN'];

const explain = (target: Target, error: NodeJS.ErrnoException): string => {
  const causes: Record<string, string> = {
    ECONNREFUSED: 'connection refused: is sshd running there, on that port?',
    ETIMEDOUT: `no answer within ${target.ssh.connectTimeout} s: is the host up, and is the port open in the firewall?`,
    ENOTFOUND: 'the host name cannot be resolved',
    EAI_AGAIN: 'the host name cannot be resolved right now',
    EHOSTUNREACH: 'no route to host',
    ENETUNREACH: 'the network is unreachable',
    EADDRNOTAVAIL: `this machine has no address ${target.ssh.bindAddress ?? 'of that kind'} to connect from`,
  };
  return `cannot reach ${where(target)}: ${causes[error.code ?? ''] ?? error.message}`;
};

const plain = (address: string | undefined): string => (address ?? '').replace(/^::ffff:/, '');
