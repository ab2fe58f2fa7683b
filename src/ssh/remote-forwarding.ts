import { Duplex } from 'node:stream';
import type ssh2 from 'ssh2';
import type { ClientChannel } from 'ssh2';
import { CommandFailed, type Remote } from '#recipe/remote.ts';

/** `Remote.forward` of one connection: ports of the host's loopback address whose connections come out here (RFC 4254, 7.1). */
export const forwardPorts = (host: string, client: ssh2.Client): Remote['forward'] => {
  const takers = new Map<number, (connection: Duplex) => void>();

  client.on('tcp connection', ({ destPort }, take, refuse) => {
    const accept = takers.get(destPort);
    if (accept === undefined) refuse();
    else accept(paced(take() as ClientChannel, client));
  });

  return (accept) =>
    new Promise((resolve, reject) => {
      const fail = (message: string) => reject(new CommandFailed(host, { code: 'connect', message }));
      const lost = () => fail('the connection was lost');
      client.once('close', lost);
      try {
        client.forwardIn(LOOPBACK, 0, (error, port) => {
          client.off('close', lost);
          if (error) return fail(FORWARDING_REFUSED);
          takers.set(port, accept);
          resolve(port);
        });
      } catch {
        lost(); // ssh2 throws where there is no connection any more
      }
    });
};

const LOOPBACK = '127.0.0.1';

/** Why sshd may refuse. */
export const FORWARDING_REFUSED =
  "the host's sshd forwards no ports: AllowTcpForwarding, DisableForwarding or PermitListen in its sshd_config, or a restricted key in authorized_keys";

/**
 * A channel that takes no more than the connection below it sends: ssh2 itself takes whatever the other end has room for,
 * which is 2 MiB, and holds it in memory. Who writes here would think it sent, and judge the link by it.
 */
const paced = (channel: ClientChannel, client: ssh2.Client): Duplex => {
  const wire = (client as unknown as { readonly _sock?: Duplex })._sock;
  const whenSent = (done: () => void): void => {
    if (wire?.writableNeedDrain !== true || wire.destroyed) {
      done();
      return;
    }
    const go = () => {
      wire.off('drain', go).off('close', go);
      done();
    };
    wire.on('drain', go).on('close', go);
  };
  const stream = new Duplex({
    read: () => void channel.resume(),
    write: (bytes: Uint8Array, _, done) => void channel.write(bytes, (error) => (error ? done(error) : whenSent(done))),
    final: (done) => {
      channel.eof();
      done();
    },
    destroy: (error, done) => {
      channel.close();
      done(error);
    },
  });
  channel.on('data', (bytes: Uint8Array) => {
    if (!stream.push(bytes)) channel.pause();
  });
  channel.on('end', () => stream.push(null));
  channel.on('error', (error: Error) => stream.destroy(error));
  channel.on('close', () => stream.destroy());
  return stream;
};
