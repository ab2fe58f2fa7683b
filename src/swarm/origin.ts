import type { PeerHandle } from '#peer/start-peer.ts';
import { encodeMetainfo } from '#protocol/metainfo.ts';
import { isLoopback, isOwnAddress } from './host-address.ts';
import type { Distribution } from './strategy.ts';
import { infoHashOf, torrentOf } from './torrent-of.ts';
import { startTracker, type Tracker } from './tracker.ts';

/** What a swarm starts from, on this machine. */
export interface Origin {
  /** The .torrent for those who reach this machine under an address. */
  readonly torrent: (announce: string | undefined) => Uint8Array;
  readonly track: () => Promise<Tracker>;
  /** The peer that has every piece; without a tracker, hosts learn of it over SSH alone. */
  readonly seed: (tracker: Tracker | undefined) => Promise<PeerHandle>;
  /** Peers may tell the tracker that they are at this address, whatever it sees. */
  readonly believe: (address: string) => void;
}

/** Lays out tracker and seeder for the hosts of a job. */
export const planOrigin = ({ artifact, targets, ports, reach, key }: Distribution): Origin => {
  const content = torrentOf(artifact, 'artifact.tar');
  const own = [...new Set(targets.map(({ remote }) => remote.addresses.local).filter(isOwnAddress))];
  const [address = LOOPBACK] = reach === 'ssh' ? [] : own;
  const listen = reach === 'ssh' || (own.length === 1 && isLoopback(address)) ? { listen: address } : {};
  const believed = new Set(own);
  const torrent: Origin['torrent'] = (announce) =>
    encodeMetainfo({ ...content, ...(announce === undefined ? {} : { announce }) });
  return {
    torrent,
    track: () =>
      startTracker({
        ...listen,
        infoHashes: new Set([infoHashOf(content)]),
        believes: (named) => believed.has(named),
      }),
    seed: async (tracker) => {
      const { startPeer } = await import('#peer/start-peer.ts');
      return startPeer({
        ...{ ...listen, ports, address, path: artifact.path, complete: true, introduced: true },
        metainfo: torrent(tracker?.url(address)),
        announce: tracker ? [tracker.url(address)] : [],
        ...(key === undefined ? {} : { key }),
      });
    },
    believe: (named) => void believed.add(named),
  };
};

const LOOPBACK = '127.0.0.1';
