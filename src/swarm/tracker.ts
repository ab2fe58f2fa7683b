import type { Duplex } from 'node:stream';
import type { Server as TrackerServer } from 'bittorrent-tracker/server';

export interface Tracker {
  readonly port: number;
  /** The announce URL for those who reach this machine under an address. */
  readonly url: (address: string) => string;
  /** Serves a connection that has come another way than by the port. */
  take(connection: Duplex): void;
  close(): Promise<void>;
}

export interface TrackerOptions {
  /** Hex info hashes of the only torrents that it serves; default: any. */
  readonly infoHashes?: ReadonlySet<string>;
  /** Port to listen on; default: one that the system chooses. */
  readonly port?: number;
  /** Address to bind to; default: all. */
  readonly listen?: string;
  /** Whether a peer that is seen under an address may name another one with `ip`: hosts are not always seen under the one that others reach. */
  readonly believes: (named: string, seen: string) => boolean;
}

/** Starts a tracker. Rejects with the system's error where it cannot listen. */
export const startTracker = async ({
  infoHashes,
  port: wanted = 0,
  listen,
  believes,
}: TrackerOptions): Promise<Tracker> => {
  const { default: Server } = await import('bittorrent-tracker/server');
  const server: TrackerServer = new Server({
    udp: false,
    ws: false,
    stats: false,
    interval: ANNOUNCE_INTERVAL,
    filter: (asked, params, decide) => {
      if (infoHashes?.has(asked) === false) return decide(new Error('unknown torrent'));
      const named = new URL(params.httpReq?.url ?? '/', 'http://tracker').searchParams.get('ip');
      if (named !== null && believes(named, params.ip)) {
        params.ip = named;
        params.addr = `${named.includes(':') ? `[${named}]` : named}:${params.port}`;
      }
      decide(null);
    },
  });
  server.on('error', () => {}); // a broken client's request; it has got its answer
  server.on('warning', () => {});
  await new Promise<void>((resolve, reject) => {
    server.http.once('error', reject);
    server.listen(wanted, listen, resolve);
  });
  const { port } = server.http.address() as { port: number };
  return {
    port,
    url: (address) => `http://${address.includes(':') ? `[${address}]` : address}:${port}/announce`,
    take: (connection) => {
      const named = Object.assign(connection, { remoteAddress: '127.0.0.1' }); // a peer tells its own
      server.http.emit('connection', named);
    },
    close: () =>
      new Promise((resolve) => {
        server.http.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};

/** Milliseconds between announces: those of a deploy also learn of each other over their SSH channels. */
const ANNOUNCE_INTERVAL = 15_000;
