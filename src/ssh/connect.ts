import { connect as connectTcp, type Socket } from 'node:net';
import type { ConnectConfig } from 'ssh2';
import ssh2 from 'ssh2';
import type { Host } from '#inventory/host.ts';
import { ConnectFailed } from './connect-failed.ts';
import { type Credentials, readCredentials } from './credentials.ts';
import { readKnownKeys, refuseHostKey } from './host-key.ts';
import { hostKeyAlgorithms, type KnownKey } from './known-hosts.ts';

export interface Connection {
  readonly client: ssh2.Client;
  readonly addresses: { readonly local: string; readonly remote: string };
}

/** Opens one SSH connection. @throws ConnectFailed with the cause in words a person can act on. */
export const connectHost = async (host: Host, signal: AbortSignal): Promise<Connection> => {
  const [known, credentials] = await Promise.all([readKnownKeys(host), readCredentials(host)]);
  const socket = await openSocket(host, signal);
  const addresses = { local: plainAddress(socket.localAddress), remote: plainAddress(socket.remoteAddress) };
  return { client: await logIn(host, socket, known, credentials, signal), addresses };
};

const openSocket = (host: Host, signal: AbortSignal): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connectTcp({ host: host.address, port: host.port, noDelay: true });
    const give = (code: string) => () => socket.destroy(Object.assign(new Error(code), { code }));
    const stop = give('interrupted');
    socket.setTimeout(host.ssh.connectTimeout * 1000, give('ETIMEDOUT'));
    signal.addEventListener('abort', stop, { once: true }); // while connecting only: an open connection is needed to tidy up
    socket.once('error', (error: NodeJS.ErrnoException) => {
      signal.removeEventListener('abort', stop);
      reject(new ConnectFailed('connect', explainSocketError(host, error)));
    });
    socket.once('connect', () => {
      signal.removeEventListener('abort', stop);
      socket.setTimeout(0);
      socket.removeAllListeners('error');
      resolve(socket);
    });
    if (signal.aborted) stop();
  });

const logIn = (
  host: Host,
  sock: Socket,
  known: KnownKey[],
  credentials: Credentials,
  signal: AbortSignal,
): Promise<ssh2.Client> =>
  new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    let refusal: ConnectFailed | undefined;
    const stop = () => client.destroy();
    signal.addEventListener('abort', stop, { once: true });
    const settled = () => signal.removeEventListener('abort', stop);
    client.once('ready', () => {
      settled();
      client.removeAllListeners('error');
      client.on('error', () => {}); // a lost connection shows in every channel that it carried
      resolve(client);
    });
    client.on('error', (error) => {
      // the first one tells the cause; ssh2 may have another one for the end of the socket
      settled();
      client.destroy();
      reject(refusal ?? explainSshError(host, credentials, error));
    });
    client.once('close', () => {
      settled();
      reject(refusal ?? new ConnectFailed('connect', `${where(host)} closed the connection during the SSH handshake`));
    });
    client.connect({
      sock,
      username: host.user,
      authHandler: [...credentials.methods] as unknown as NonNullable<ConnectConfig['authHandler']>,
      algorithms: { serverHostKey: hostKeyAlgorithms(known) as never },
      hostVerifier: (key: Buffer) => {
        refusal = refuseHostKey(host, known, key);
        return refusal === undefined;
      },
      readyTimeout: host.ssh.connectTimeout * 1000,
      keepaliveInterval: 15_000,
      keepaliveCountMax: 3,
    });
  });

const explainSocketError = (host: Host, error: NodeJS.ErrnoException): string => {
  const causes: Record<string, string> = {
    ECONNREFUSED: 'connection refused: is sshd running there, on that port?',
    ETIMEDOUT: `no answer within ${host.ssh.connectTimeout} s: is the host up, and is the port open in the firewall?`,
    ENOTFOUND: 'the host name cannot be resolved',
    EAI_AGAIN: 'the host name cannot be resolved right now',
    EHOSTUNREACH: 'no route to host',
    ENETUNREACH: 'the network is unreachable',
  };
  return `cannot reach ${where(host)}: ${causes[error.code ?? ''] ?? error.message}`;
};

const explainSshError = (host: Host, credentials: Credentials, error: Error & { level?: string }): ConnectFailed => {
  if (error.level === 'client-authentication') {
    return new ConnectFailed(
      'auth',
      `permission denied for ${host.user} at ${where(host)}; offered: ${credentials.offered.join(', ')}`,
    );
  }
  if (error.level === 'agent')
    return new ConnectFailed('auth', `the SSH agent at ${host.ssh.agent} failed: ${error.message}`);
  if (error.level === 'client-timeout')
    return new ConnectFailed('connect', `no SSH answer from ${where(host)} within ${host.ssh.connectTimeout} s`);
  return new ConnectFailed('connect', `${where(host)}: ${error.message}`);
};

const where = (host: Host): string => `${host.address.includes(':') ? `[${host.address}]` : host.address}:${host.port}`;

const plainAddress = (address: string | undefined): string => (address ?? '').replace(/^::ffff:/, '');
