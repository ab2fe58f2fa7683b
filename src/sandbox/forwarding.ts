/** Port forwarding in both directions (RFC 4254, section 7), to and on loopback addresses only. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import type { Connection, ServerChannel, TcpipBindInfo } from 'ssh2';
import type { Leftovers } from './host.ts';
import { channelOutput } from './output.ts';

/** Answers the connection's forwarding requests; listeners and sockets end with the connection. */
export const offerForwarding = (connection: Connection, leftovers: Leftovers): void => {
  const listeners = new Map<string, Server>();
  let gone = false;
  leftovers.add(() => {
    gone = true;
    for (const listener of listeners.values()) listener.close();
  });

  connection.on('tcpip', (accept, reject, { destIP, destPort }) => {
    if (!isLoopback(destIP)) return reject();
    const socket = connect({ host: destIP, port: destPort, allowHalfOpen: true, noDelay: true });
    track(socket, leftovers);
    socket.once('error', reject); // without effect once the channel is open
    socket.once('connect', () => join(accept(), socket));
  });

  connection.on('request', (accept, reject, name, bind) => {
    const known = listeners.get(keyOf(bind));
    if (name === 'tcpip-forward') {
      if (known) return reject?.();
      listen(connection, bind, leftovers).then((listener) => {
        if (gone) return void listener.close();
        const { port } = listener.address() as AddressInfo;
        listeners.set(keyOf({ ...bind, bindPort: port }), listener);
        accept?.(port);
      }, reject);
    } else if (name === 'cancel-tcpip-forward' && known) {
      listeners.delete(keyOf(bind));
      known.close();
      accept?.();
    } else reject?.();
  });
};

/** Whatever address is asked for, the port is bound on loopback: sshd's `GatewayPorts no`. */
const listen = (connection: Connection, { bindAddr, bindPort }: TcpipBindInfo, leftovers: Leftovers): Promise<Server> =>
  new Promise((resolve, reject) => {
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      track(socket, leftovers);
      const { port } = listener.address() as AddressInfo;
      connection.forwardOut(bindAddr, port, socket.remoteAddress ?? '', socket.remotePort ?? 0, (error, channel) =>
        error ? socket.destroy() : join(channel as unknown as ServerChannel, socket),
      );
    });
    listener.once('error', reject);
    listener.listen(bindPort, isLoopback(bindAddr) ? bindAddr : '127.0.0.1', () => resolve(listener));
  });

/** Joins the two, each direction ending on its own. ssh2's `end` would close both at once, so `eof` stands for FIN. */
const join = (channel: ServerChannel, socket: Socket): void => {
  const { stdout } = channelOutput(channel);
  channel.once('close', () => socket.destroy());
  channel.pipe(socket);
  socket.pipe(stdout);
  stdout.once('finish', () => channel.eof());
  finished(socket)
    .then(() => finished(stdout))
    .then(
      () => channel.end(),
      () => channel.close(),
    );
};

const track = (socket: Socket, leftovers: Leftovers): void => {
  const end = () => socket.destroy();
  leftovers.add(end);
  socket.on('error', () => {});
  socket.once('close', () => leftovers.delete(end));
};

const keyOf = ({ bindAddr, bindPort }: TcpipBindInfo): string => `${bindAddr}:${bindPort}`;

const isLoopback = (address: string): boolean => /^(localhost|127(\.\d{1,3}){3}|::1)$/.test(address);
