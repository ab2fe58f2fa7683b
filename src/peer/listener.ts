import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { PeerError } from './peer-error.ts';

/** An open port for neighbours. */
export interface Listener {
  readonly port: number;
  close(): void;
}

export interface ListenOptions {
  /** First and last port to try; 0-0 lets the system choose. */
  readonly ports: readonly [number, number];
  /** Address to bind to; default: all. */
  readonly listen?: string;
  readonly random: () => number;
  /** Takes a connection that nothing is read from yet. */
  onSocket(socket: Socket): void;
}

/**
 * Takes the first free port of the range, beginning at a random one, so that several peers on a host rarely try
 * the same. @throws PeerError `listen` when none is free.
 */
export const startListener = async ({
  ports: [first, last],
  listen,
  random,
  onSocket,
}: ListenOptions): Promise<Listener> => {
  const count = last - first + 1;
  const start = Math.floor(random() * count);
  let reason = '';
  for (let step = 0; step < count; step++) {
    const server = createServer({ noDelay: true, pauseOnConnect: true }, onSocket);
    try {
      await listenOn(server, first + ((start + step) % count), listen);
    } catch (error) {
      reason = (error as Error).message;
      if (!isTaken(error)) break;
      continue;
    }
    server.on('error', () => {}); // a connection that could not be taken, for want of file descriptors
    return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
  }
  throw new PeerError('listen', `no free port in ${first}-${last}: ${reason}`);
};

const listenOn = (server: Server, port: number, host: string | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.off('error', reject);
      resolve();
    });
  });

const isTaken = (error: unknown): boolean =>
  ['EADDRINUSE', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '');
