import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { Duplex } from 'node:stream';
import { CommandFailed, type Remote } from '#recipe/remote.ts';
import { FORWARDING_REFUSED } from '#ssh/remote-forwarding.ts';
import type { Way } from './exec.ts';
import { clientWords } from './options.ts';
import { runSsh } from './program.ts';

/**
 * `Remote.forward` by the control master: it hands every connection on to a socket in our directory. How much of it has left
 * this machine is not to be seen: ssh takes up to 2 MiB from us, whatever the link carries.
 */
export const forwardOver = (host: string, way: Way): { forward: Remote['forward']; close(): void } => {
  const servers: Server[] = [];
  const forward: Remote['forward'] = async (accept) => {
    const path = `${way.socket}.${servers.length + 1}`;
    const server = createServer({ allowHalfOpen: true, highWaterMark: BUFFER }, (connection) => {
      connection.on('error', () => {});
      accept(Duplex.from({ readable: connection, writable: connection })); // those who take it give it an address, which a socket's cannot be
    });
    servers.push(server);
    await once(server.listen(path), 'listening');
    const { stdout, stderr } = await runSsh([
      ...clientWords(way.socket),
      ...['-O', 'forward', '-R', `${LOOPBACK}:0:${path}`, '--', way.alias],
    ]);
    const port = Number(stdout.trim());
    if (Number.isInteger(port) && port > 0) return port;
    server.close();
    const refused = /forwarding failed|refused|prohibited/i.test(stderr);
    throw new CommandFailed(host, {
      code: 'connect',
      message: refused ? FORWARDING_REFUSED : stderr.trim() || 'the connection was lost',
    });
  };
  return {
    forward,
    close: () => {
      for (const server of servers) server.close();
    },
  };
};

const LOOPBACK = '127.0.0.1';
const BUFFER = 16_384;
