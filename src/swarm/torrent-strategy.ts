import type { PeerHandle } from '#peer/start-peer.ts';
import { UserError } from '#recipe/user-error.ts';
import { type HostPeer, startHostPeers } from './host-peers.ts';
import { createNetworkNotices } from './network-notices.ts';
import { type Origin, planOrigin } from './origin.ts';
import { readPeerBundle } from './peer-bundle.ts';
import { type RemotePeer, rehearsePeer } from './remote-peer.ts';
import type { Distribution, DistributionResult, Strategy, Target } from './strategy.ts';
import type { Tracker } from './tracker.ts';
import { watchSwarm } from './watch-swarm.ts';

/** Every host is a peer of a swarm that exists for this one transfer; tracker and seeder run in this process. */
export const torrentStrategy: Strategy = {
  name: 'torrent',
  open: (job) => {
    const origin = planOrigin(job);
    let tracker: Tracker | undefined;
    let seeder: PeerHandle | undefined;
    let peers: readonly HostPeer[] = [];
    return {
      track: async () => {
        tracker = await origin.track();
      },
      seed: async () => {
        seeder = await origin.seed(tracker);
      },
      fetch: (targets) => {
        if (!seeder) throw new UserError('nobody seeds yet: swarm:seed comes before swarm:fetch');
        return fetchAll(job, targets, { origin, tracker, seeder }, (started) => {
          peers = started;
        });
      },
      rehearse: async (targets, isCached) => {
        const bundle = await readPeerBundle();
        const start = (target: Target) => rehearsePeer(target, bundle, isCached(target.remote.host.name, bundle.name));
        await Promise.all(targets.map(start));
      },
      stop: async () => {
        const ending = endAll(tracker, seeder, peers);
        [tracker, seeder, peers] = [undefined, undefined, []];
        await ending;
      },
    };
  },
};

interface Source {
  readonly origin: Origin;
  readonly tracker: Tracker | undefined;
  readonly seeder: PeerHandle;
}

const fetchAll = async (
  job: Distribution,
  targets: readonly Target[],
  source: Source,
  onStart: (peers: readonly HostPeer[]) => void,
): Promise<DistributionResult> => {
  const bundle = await readPeerBundle();
  const hosts = targets.map(({ remote }) => remote.host.name);
  const begun = performance.now();
  const notices = createNetworkNotices(job.emit, (host) => watch.errors.has(host));
  const watch = watchSwarm({
    ...{ hosts, pieces: Math.ceil(job.artifact.bytes / job.artifact.pieceLength), stallTimeout: job.stallTimeout },
    ...{ emit: job.emit, explain: notices.explain },
  });
  const interrupted = () => {
    for (const host of hosts) watch.fail(host, { code: 'interrupted', message: 'interrupted' });
  };
  job.signal.addEventListener('abort', interrupted);
  if (job.signal.aborted) interrupted();
  onStart(startHostPeers(targets, { ...source, job, bundle, watch, notices }));
  await watch.settled; // by then every host has its verdict, also one whose peer is stuck
  job.signal.removeEventListener('abort', interrupted);
  watch.stop();
  notices.end();
  const seconds = (performance.now() - begun) / 1000;
  const seederUploaded = source.seeder.progress().uploaded;
  return { seconds, seederUploaded, traffic: watch.traffic, errors: watch.errors };
};

/** Asks everybody to leave. A peer that is stuck, on a disk that does not answer, is not waited for: it loses its channel with the connection. */
const endAll = async (
  tracker: Tracker | undefined,
  seeder: PeerHandle | undefined,
  peers: readonly HostPeer[],
): Promise<void> => {
  const endOrigin = async () => {
    await seeder?.stop();
    await tracker?.close();
  };
  const all = Promise.all([endOrigin(), ...peers.map(async (peer) => dismiss(await peer))]);
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
