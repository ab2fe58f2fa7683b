import type { PeerHandle } from '#peer/start-peer.ts';
import type { FetchOrder, PeerReport, Surroundings } from '#protocol/control.ts';
import { CommandFailed } from '#recipe/remote.ts';
import { type HostAddresses, isLoopback, peerAddresses } from './host-address.ts';
import { createIntroductions } from './introductions.ts';
import { drawNeighbours, drawSeederNeighbours, type Neighbours } from './neighbours.ts';
import { type NetworkNotices, seederUnreachable } from './network-notices.ts';
import type { Origin } from './origin.ts';
import { createOriginRoutes, type OriginRoute } from './origin-routes.ts';
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
  readonly notices: NetworkNotices;
}

/** What is known of a host once its peer runs. */
interface Station {
  readonly peer: RemotePeer;
  readonly route: OriginRoute;
  readonly addresses: HostAddresses;
  readonly zone?: NonNullable<FetchOrder['zone']>;
}

/** Where a host is; nothing where all are in one zone. */
const zoneOf = (
  zones: readonly (string | undefined)[],
  { gateways }: Neighbours,
  place: number,
): Pick<Station, 'zone'> => {
  if (new Set(zones).size < 2) return {};
  const gateway = gateways.get(place);
  return { zone: { name: zones[place] ?? '', ...(gateway ? { gateway } : {}) } };
};

/** Starts a peer on every host, introduces them to each other as they appear, and passes their reports to the watch. */
export const startHostPeers = (targets: readonly Target[], work: HostPeersWork): readonly HostPeer[] => {
  const { job, bundle, watch, notices } = work;
  const stations: Station[] = [];
  const nameOf = (place: number): string => targets[place]!.remote.host.name;
  const routes = createOriginRoutes({ ...work, reach: job.reach });
  const zones = targets.map(({ remote }) => remote.host.zone);
  const neighbours = drawNeighbours(zones, Math.random);
  const introductions = createIntroductions({
    neighbours: neighbours.of,
    ofSeeder: drawSeederNeighbours(targets.length, Math.random),
    seeder: (place) => stations[place]!.route.seeder,
    order: (place, peers) => stations[place]?.peer.order({ kind: 'peers', peers }),
    closed: (from, to, port, reason) => notices.closed({ from: nameOf(from), to: nameOf(to), port, reason }),
    alone: (place) => notices.alone(nameOf(place)),
    lostSeeder: async (place, { host, port }, reason) => {
      const { route, peer } = stations[place]!;
      const why = seederUnreachable(host, port, reason);
      const other = route.carried ? undefined : await routes.carry(targets[place]!, why);
      if (other) peer.order({ kind: 'peers', peers: [other.seeder], announce: other.announce });
      else introductions.withoutSeeder(place);
    },
  });

  return targets.map(async (target, place) => {
    const { name } = target.remote.host;
    let around: Surroundings = {};
    const onReport = (report: PeerReport) => {
      watch.report(name, report);
      if (report.kind === 'hello') around = report;
      if (report.kind === 'unreachable') introductions.unreachable(place, report, report.reason);
      if (report.kind !== 'listening') return;
      const { likely, spare } = stations[place]!.addresses;
      const at = (hosts: readonly string[]) => hosts.map((host) => ({ host, port: report.port }));
      introductions.listens(place, { likely: at(likely), spare: at(spare) });
    };
    let peer: RemotePeer | undefined;
    try {
      peer = await startRemotePeer(target, bundle, onReport, watch.settled);
      const addresses = peerAddresses(target, around, job.network);
      for (const address of addresses.likely) work.origin.believe(address);
      const route = await routes.choose(target, around);
      stations[place] = { peer, route, addresses, ...zoneOf(zones, neighbours, place) };
      if (!watch.errors.has(name)) peer.order(fetchOrder(work, target, stations[place]));
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

const fetchOrder = ({ job, origin }: HostPeersWork, target: Target, station: Station): FetchOrder => {
  const { route, addresses, zone } = station;
  const [address] = addresses.likely;
  return {
    kind: 'fetch',
    metainfo: Buffer.from(origin.torrent(route.announce[0])).toString('base64'),
    sha256: job.artifact.sha256,
    path: target.path,
    announce: route.announce,
    introduced: true,
    ports: job.ports,
    ...(address === undefined ? {} : { address }),
    ...(address !== undefined && isLoopback(address) ? { listen: address } : {}),
    ...(zone === undefined ? {} : { zone }),
    ...(job.key === undefined ? {} : { key: Buffer.from(job.key).toString('base64') }),
  };
};
