import { type PeerHandle, startPeer } from '#peer/start-peer.ts';
import { encodeMetainfo } from '#protocol/metainfo.ts';
import type { Distribution, Target } from './strategy.ts';
import { infoHashOf, torrentOf } from './torrent-of.ts';
import { startTracker, type Tracker } from './tracker.ts';

/** What a swarm starts from, on this machine. */
export interface Origin {
  /** The .torrent for those who reach this machine under an address. */
  readonly torrent: (announce: string | undefined) => Uint8Array;
  readonly track: () => Promise<Tracker>;
  /** The peer that has every piece; without a tracker, hosts learn of it over SSH alone. */
  readonly seed: (tracker: Tracker | undefined) => Promise<PeerHandle>;
}

/** Lays out tracker and seeder for the hosts of a job. */
export const planOrigin = ({ artifact, targets, ports }: Distribution): Origin => {
  const content = torrentOf(artifact, 'artifact.tar');
  const own = [...new Set(targets.map(({ remote }) => remote.addresses.local))];
  const [address = '127.0.0.1'] = own;
  const listen = own.length === 1 && isLoopback(address) ? { listen: address } : {};
  const addresses = new Set([...own, ...targets.map(peerAddress)]);
  const torrent: Origin['torrent'] = (announce) =>
    encodeMetainfo({ ...content, ...(announce === undefined ? {} : { announce }) });
  return {
    torrent,
    track: () =>
      startTracker({
        ...listen,
        infoHashes: new Set([infoHashOf(content)]),
        believes: (named) => addresses.has(named),
      }),
    seed: (tracker) =>
      startPeer({
        ...{ ...listen, ports, address, path: artifact.path, complete: true, introduced: true },
        metainfo: torrent(tracker?.url(address)),
        announce: tracker ? [tracker.url(address)] : [],
      }),
  };
};

/** Where the other hosts reach this one. */
export const peerAddress = ({ remote }: Target): string => remote.host.peerAddress ?? remote.addresses.remote;

export const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';
