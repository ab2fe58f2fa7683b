/**
 * One embedded host: a listening socket and the SSH server behind it. The sockets are accepted here and handed to ssh2,
 * because ssh2's own listener gives no way to end a connection whose client does not answer any more.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import ssh2, { type Connection } from 'ssh2';
import { runCommand } from './exec.ts';
import { serveFiles } from './files.ts';
import { offerForwarding } from './forwarding.ts';
import { loginCheck } from './login.ts';

export interface HostOptions {
  readonly hostKey: { readonly private: string; readonly public: string };
  /** Public key of the one user that may log in, as in authorized_keys. */
  readonly userKey: string;
  readonly user: string;
  readonly root: string;
  readonly env: { readonly PATH: string };
}

export interface RunningHost {
  readonly port: number;
  readonly publicKey: string;
  close(): Promise<void>;
}

/** What has to be let go when a connection ends. */
export type Leftovers = Set<() => void>;

/** Listens on a port of 127.0.0.1 that the system chooses. */
export const startHost = async (options: HostOptions): Promise<RunningHost> => {
  const ssh = new ssh2.Server({ hostKeys: [options.hostKey.private] });
  const mayLogIn = loginCheck(options.user, options.userKey);
  const sockets = new Set<Socket>();
  const listener = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    ssh.injectSocket(socket);
  });
  ssh.on('connection', (connection, client) => {
    connection.on('authentication', (login) => (mayLogIn(login) ? login.accept() : login.reject(['publickey'])));
    connection.once('ready', () => serve(connection, `${client.ip} ${client.port}`, options));
    connection.on('error', () => {}); // its 'close' follows
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const close = async () => {
    const closed = once(listener, 'close');
    listener.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { port, publicKey: options.hostKey.public, close };
};

const serve = (connection: Connection, client: string, { root, user, env }: HostOptions): void => {
  const leftovers: Leftovers = new Set();
  connection.once('close', () => {
    for (const letGo of leftovers) letGo();
  });
  const commandEnv = { ...env, HOME: root, USER: user, LOGNAME: user, SHELL: '/bin/sh', SSH_CLIENT: client };
  connection.on('session', (accept) => {
    const session = accept();
    session.on('exec', (take, _reject, { command }) =>
      runCommand({ session, channel: take(), command, home: root, env: commandEnv, leftovers }),
    );
    session.on('sftp', (take) => serveFiles(take(), root));
  });
  offerForwarding(connection, leftovers);
};
