import type { Server as TrackerServer } from 'bittorrent-tracker/server';

export interface Tracker {
  readonly port: number;
  /** The announce URL for those who reach this machine under an address. */
  readonly url: (address: string) => string;
  close(): Promise<void>;
}

export interface TrackerOptions {
  /** Hex info hash of the only torrent that it serves. */
  readonly infoHash: string;
  /** Address to bind to; default: all. */
  readonly listen?: string;
  /** Addresses that announces may name with `ip`, because hosts are not always seen under the address that others reach. */
  readonly addresses: ReadonlySet<string>;
}

/** Starts the tracker of one deploy, on a port that the system chooses. It answers for one torrent and knows no other. */
export const startTracker = async ({ infoHash, listen, addresses }: TrackerOptions): Promise<Tracker> => {
  const { default: Server } = await import('bittorrent-tracker/server');
  const server: TrackerServer = new Server({
    udp: false,
    ws: false,
    stats: false,
    interval: ANNOUNCE_INTERVAL,
    filter: (asked, params, decide) => {
      if (asked !== infoHash) return decide(new Error('unknown torrent'));
      const named = new URL(params.httpReq?.url ?? '/', 'http://tracker').searchParams.get('ip');
      if (named !== null && addresses.has(named)) {
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
    server.listen(0, listen, resolve);
  });
  const { port } = server.http.address() as { port: number };
  return {
    port,
    url: (address) => `http://${address.includes(':') ? `[${address}]` : address}:${port}/announce`,
    close: () =>
      new Promise((resolve) => {
        server.http.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};

/** Milliseconds between announces: peers also learn of each other over their SSH channels. */
const ANNOUNCE_INTERVAL = 15_000;
