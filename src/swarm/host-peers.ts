import type { PeerHandle } from '#peer/start-peer.ts';
import type { FetchOrder, PeerAddress, PeerReport } from '#protocol/control.ts';
import { CommandFailed } from '#recipe/remote.ts';
import { drawNeighbours, drawSeederNeighbours } from './neighbours.ts';
import { isLoopback, type Origin, peerAddress } from './origin.ts';
import type { PeerBundle } from './peer-bundle.ts';
import { type RemotePeer, startRemotePeer } from './remote-peer.ts';
import type { Distribution, Target } from './strategy.ts';
import type { Tracker } from './tracker.ts';
import type { SwarmWatch } from './watch-swarm.ts';

/** A host's peer on its way; undefined where it could not be started. Never rejects. */
export type HostPeer = Promise<RemotePeer | undefined>;

export interface HostPeersWork {
  readonly job: Distribution;
  readonly origin: Origin;
  readonly tracker: Tracker | undefined;
  readonly seeder: PeerHandle;
  readonly bundle: PeerBundle;
  readonly watch: SwarmWatch;
}

/** Starts a peer on every host, hands out neighbours as they appear, and passes their reports to the watch. */
export const startHostPeers = (targets: readonly Target[], work: HostPeersWork): readonly HostPeer[] => {
  const { seeder, bundle, watch } = work;
  const listening: (PeerAddress | undefined)[] = [];
  const neighbours = drawNeighbours(targets.length, Math.random);
  const ofSeeder = drawSeederNeighbours(targets.length, Math.random);
  /** Those that listen already; whoever comes later calls by itself. */
  const introduce = (place: number): PeerAddress[] =>
    [...neighbours[place]!].flatMap((other) => listening[other] ?? []);
  return targets.map(async (target, place) => {
    const { name } = target.remote.host;
    let peer: RemotePeer | undefined;
    const onReport = (report: PeerReport) => {
      watch.report(name, report);
      if (report.kind !== 'listening') return;
      const first = { host: target.remote.addresses.local, port: seeder.port };
      peer?.order({ kind: 'peers', peers: [...(ofSeeder.has(place) ? [first] : []), ...introduce(place)] });
      listening[place] = { host: peerAddress(target), port: report.port };
    };
    try {
      peer = await startRemotePeer(target, bundle, onReport, watch.settled);
      if (!watch.errors.has(name)) peer.order(fetchOrder(work, target));
      void peer.gone.then((error) =>
        watch.fail(name, error ?? { code: 'transfer', message: 'the peer ended before it was done' }),
      );
    } catch (error) {
      watch.fail(
        name,
        error instanceof CommandFailed ? error.facts : { code: 'transfer', message: (error as Error).message },
      );
    }
    return peer;
  });
};

const fetchOrder = ({ job, origin, tracker }: HostPeersWork, target: Target): FetchOrder => {
  const url = tracker?.url(target.remote.addresses.local);
  const address = peerAddress(target);
  return {
    kind: 'fetch',
    metainfo: Buffer.from(origin.torrent(url)).toString('base64'),
    sha256: job.artifact.sha256,
    path: target.path,
    announce: url === undefined ? [] : [url],
    introduced: true,
    ports: job.ports,
    address,
    ...(isLoopback(address) ? { listen: address } : {}),
  };
};
