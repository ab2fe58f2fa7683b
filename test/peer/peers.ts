import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PeerHandle, type PeerOptions, startPeer } from '#peer/start-peer.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';
import type { TestTorrent } from '../support/torrent.ts';

/** Peers of one test, in a directory of their own, all ended together. */
export interface Peers {
  readonly dir: string;
  /** A peer with every piece. */
  seed(torrent: TestTorrent, options?: Partial<PeerOptions>): Promise<PeerHandle>;
  /** A peer that starts with what its file holds. */
  leech(torrent: TestTorrent, options?: Partial<PeerOptions>): Promise<PeerHandle>;
  /** A path in the directory that nobody uses yet. */
  path(): string;
  end(): Promise<void>;
}

/** No peers yet. */
export const createPeers = async (): Promise<Peers> => {
  const dir = await makeTempDir('peer');
  const handles: PeerHandle[] = [];
  let files = 0;
  const path = (): string => join(dir, `file-${files++}`);

  const start = async (torrent: TestTorrent, options: Partial<PeerOptions>): Promise<PeerHandle> => {
    const { metainfo, sha256 } = torrent;
    const handle = await startPeer({
      metainfo,
      sha256,
      path: path(),
      announce: [],
      ports: [0, 0],
      listen: '127.0.0.1',
      ...options,
    });
    handles.push(handle);
    return handle;
  };

  return {
    ...{ dir, path },
    seed: async (torrent, options = {}) => {
      const file = options.path ?? path();
      await writeFile(file, torrent.content, { flag: 'wx' }).catch(() => {});
      return start(torrent, { ...options, path: file, complete: true });
    },
    leech: (torrent, options = {}) => start(torrent, options),
    end: async () => {
      await Promise.all(handles.map((handle) => handle.stop()));
      await removeTempDir(dir);
    },
  };
};

/** Resolves when the peer holds a verified copy; rejects when it has given up. */
export const finished = (peer: PeerHandle): Promise<void> =>
  Promise.race([
    peer.verified,
    peer.failed.then((reason) => {
      throw reason;
    }),
  ]);

/** The address of a peer for its neighbours. */
export const at = (peer: PeerHandle): { host: string; port: number } => ({ host: '127.0.0.1', port: peer.port });
