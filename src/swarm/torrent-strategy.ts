import { createHash } from 'node:crypto';
import { startPeer } from '#peer/start-peer.ts';
import type { FetchOrder, PeerAddress, PeerReport } from '#protocol/control.ts';
import { decodeMetainfo, encodeMetainfo } from '#protocol/metainfo.ts';
import { CommandFailed } from '#recipe/remote.ts';
import { drawNeighbours, drawSeederNeighbours } from './neighbours.ts';
import { type PeerBundle, readPeerBundle } from './peer-bundle.ts';
import { type RemotePeer, startRemotePeer } from './remote-peer.ts';
import type { Distribution, DistributionResult, Strategy, Target } from './strategy.ts';
import { startTracker } from './tracker.ts';
import { type SwarmWatch, watchSwarm } from './watch-swarm.ts';

/** Every host is a peer of a swarm that exists for this one transfer; tracker and seeder run in this process. */
export const torrentStrategy: Strategy = {
  name: 'torrent',
  distribute: async (job): Promise<DistributionResult> => {
    const bundle = await readPeerBundle();
    const origin = await startOrigin(job);
    const begun = performance.now();
    const watch = watchSwarm(
      job.targets.map(({ remote }) => remote.host.name),
      pieceCount(job),
      job.stallTimeout,
      job.emit,
    );
    const interrupted = () => {
      for (const { remote } of job.targets)
        watch.fail(remote.host.name, { code: 'interrupted', message: 'interrupted' });
    };
    job.signal.addEventListener('abort', interrupted);
    if (job.signal.aborted) interrupted();
    const peers = startPeers(job, origin, bundle, watch);
    try {
      await watch.settled; // by then every host has its verdict, also one whose peer is stuck
      const seconds = (performance.now() - begun) / 1000;
      return { seconds, seederUploaded: origin.uploaded(), traffic: watch.traffic, errors: watch.errors };
    } finally {
      job.signal.removeEventListener('abort', interrupted);
      watch.stop();
      await closeAll(origin, peers);
    }
  },
};

/** A peer that is on its way; undefined where it could not be started. Never rejects. */
type StartedPeer = Promise<RemotePeer | undefined>;

/** Asks every peer to leave. One that is stuck, on a disk that does not answer, is not waited for: it loses its channel with the connection. */
const closeAll = async (origin: Origin, peers: readonly StartedPeer[]): Promise<void> => {
  const all = Promise.all([origin.close(), ...peers.map(async (peer) => dismiss(await peer))]);
  let patience: NodeJS.Timeout | undefined;
  await Promise.race([all, new Promise((resolve) => (patience = setTimeout(resolve, PATIENCE.all)))]);
  clearTimeout(patience);
};

/** Milliseconds until a peer that was asked to leave is ended, and until the last is given up. */
const PATIENCE = { one: 3000, all: 6000 } as const;

const dismiss = async (peer: RemotePeer | undefined): Promise<void> => {
  if (!peer) return;
  peer.order({ kind: 'stop' });
  const impatient = setTimeout(peer.end, PATIENCE.one);
  await peer.gone;
  clearTimeout(impatient);
};

type Origin = Awaited<ReturnType<typeof startOrigin>>;

/** The tracker and the seeder: everything that the swarm starts from. */
const startOrigin = async (job: Distribution) => {
  const { artifact, targets } = job;
  const content = {
    name: 'artifact.tar',
    length: artifact.bytes,
    pieceLength: artifact.pieceLength,
    pieces: artifact.pieceHashes,
    pieceSha256: artifact.pieceSha256,
    private: true,
  };
  const { infoBytes } = decodeMetainfo(encodeMetainfo(content));
  const infoHash = createHash('sha1').update(infoBytes).digest('hex');
  const own = [...new Set(targets.map(({ remote }) => remote.addresses.local))];
  const listen = own.length === 1 && isLoopback(own[0] as string) ? own[0] : undefined;
  const addresses = new Set([...own, ...targets.map(peerAddress)]);
  const tracker = await startTracker({
    infoHashes: new Set([infoHash]),
    believes: (named) => addresses.has(named),
    ...(listen === undefined ? {} : { listen }),
  });
  const torrent = (url: string) => encodeMetainfo({ ...content, announce: url });
  const seeder = await startPeer({
    metainfo: torrent(tracker.url(own[0] as string)),
    path: artifact.path,
    complete: true,
    announce: [tracker.url(own[0] as string)],
    introduced: true,
    address: own[0] as string,
    ports: job.ports,
    ...(listen === undefined ? {} : { listen }),
  }).catch(async (error: unknown) => {
    await tracker.close();
    throw error;
  });
  return {
    port: seeder.port,
    torrent,
    tracker,
    uploaded: () => seeder.progress().uploaded,
    close: async () => {
      await seeder.stop();
      await tracker.close();
    },
  };
};

/** Starts a peer on every host, hands out neighbours as they appear, and passes their reports to the watch. */
const startPeers = (job: Distribution, origin: Origin, bundle: PeerBundle, watch: SwarmWatch): StartedPeer[] => {
  const listening: (PeerAddress | undefined)[] = [];
  const neighbours = drawNeighbours(job.targets.length, Math.random);
  const ofSeeder = drawSeederNeighbours(job.targets.length, Math.random);
  /** Those that listen already; whoever comes later calls by itself. */
  const introduce = (place: number): PeerAddress[] =>
    [...neighbours[place]!].flatMap((other) => listening[other] ?? []);
  return job.targets.map(async (target, place) => {
    const { name } = target.remote.host;
    let peer: RemotePeer | undefined;
    const onReport = (report: PeerReport) => {
      watch.report(name, report);
      if (report.kind !== 'listening') return;
      const seeder = { host: target.remote.addresses.local, port: origin.port };
      peer?.order({ kind: 'peers', peers: [...(ofSeeder.has(place) ? [seeder] : []), ...introduce(place)] });
      listening[place] = { host: peerAddress(target), port: report.port };
    };
    try {
      peer = await startRemotePeer(target, bundle, onReport, watch.settled);
      if (!watch.errors.has(name)) peer.order(fetchOrder(job, origin, target));
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

const fetchOrder = ({ artifact, ports }: Distribution, { torrent, tracker }: Origin, target: Target): FetchOrder => {
  const url = tracker.url(target.remote.addresses.local);
  const address = peerAddress(target);
  return {
    kind: 'fetch',
    metainfo: Buffer.from(torrent(url)).toString('base64'),
    sha256: artifact.sha256,
    path: target.path,
    announce: [url],
    introduced: true,
    ports,
    address,
    ...(isLoopback(address) ? { listen: address } : {}),
  };
};

/** Where the other hosts reach this one. */
const peerAddress = ({ remote }: Target): string => remote.host.peerAddress ?? remote.addresses.remote;

const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

const pieceCount = ({ artifact }: Distribution): number => Math.ceil(artifact.bytes / artifact.pieceLength);
