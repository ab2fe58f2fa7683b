import type { AddressInfo } from 'node:net';
import Server from 'bittorrent-tracker/server';

/** A tracker on 127.0.0.1 that takes any torrent. */
export interface TestTracker {
  readonly url: string;
  /** The events told by announces, in order: `start`, `complete`, `stop`. */
  readonly told: string[];
  /** Resolves at the next announce of this kind. */
  next(event: 'start' | 'complete' | 'stop'): Promise<void>;
  close(): Promise<void>;
}

/** Starts one on a free port. */
export const startTestTracker = async (): Promise<TestTracker> => {
  const server = new Server({ udp: false, ws: false, stats: false, interval: 2000 });
  const told: string[] = [];
  for (const event of ['start', 'complete', 'stop'] as const) server.on(event, () => void told.push(event));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.http.address() as AddressInfo;
  return {
    ...{ told, url: `http://127.0.0.1:${port}/announce` },
    next: (event) => new Promise((resolve) => void server.once(event, () => resolve())),
    close: () =>
      new Promise((resolve) => {
        server.http.closeAllConnections();
        server.close(resolve);
      }),
  };
};
