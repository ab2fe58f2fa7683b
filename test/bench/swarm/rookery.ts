import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { decodeReport, encodeControl, type FetchOrder, type PeerAddress, type PeerOrder } from '#protocol/control.ts';
import { choosePieceLength } from '#protocol/metainfo.ts';
import { drawNeighbours, drawSeederNeighbours } from '#swarm/neighbours.ts';
import { deferred } from './deferred.ts';
import type { Station } from './fleet.ts';
import { isFar } from './links.ts';
import type { Place, Swarm, Tool } from './tool.ts';

/** Rookery's peers as a deploy runs them: `peer` is the built bundle, `seeder` the deployer's side; in the clear, or with a key. */
export const rookery = ({ peer, seeder }: Programs, encrypted = false): Tool => ({
  name: encrypted ? 'rookery-encrypted' : 'rookery',
  missing: () => undefined,
  prepare: async (place): Promise<Swarm> => {
    const { fleet, payload } = place;
    const metainfo = await payload.torrent(choosePieceLength(payload.bytes, fleet.hosts.length));
    const torrent = join(place.directoryOf(fleet.origin), 'payload.torrent');
    await writeFile(torrent, metainfo);
    const zones = fleet.hosts.map((_, index) => (isFar(fleet.links, index) ? 'far' : 'near'));
    const drawn = drawNeighbours(zones, Math.random);
    const origin = startOne(place, fleet.origin, [
      ...[seeder, torrent, payload.path, fleet.origin.address],
      ...(encrypted ? [BENCH_KEY] : []),
    ]);
    const peers = fleet.hosts.map((host, index) => {
      const one = startOne(place, host, [peer]);
      const gateway = drawn.gateways.get(index);
      const zone = gateway ? { zone: { name: zones[index]!, gateway } } : {};
      one.order({ ...fetchOrder(place, host, metainfo), ...zone, ...(encrypted ? { key: BENCH_KEY } : {}) });
      return one;
    });
    const [seed, ...addresses] = await Promise.all([origin, ...peers].map(({ listening }) => listening));
    return {
      seeder: origin.pid,
      peers: () => peers.map(({ pid }) => pid),
      go: () => {
        const ofSeeder = drawSeederNeighbours(peers.length, Math.random);
        peers.forEach(({ order }, place) => {
          const earlier = [...drawn.of[place]!].filter((other) => other < place).map((other) => addresses[other]!);
          order({ kind: 'peers', peers: [...(ofSeeder.has(place) ? [seed!] : []), ...earlier] });
        });
        return peers.map(({ verified }) => verified);
      },
      stop: async () => {
        for (const { order } of [origin, ...peers]) order({ kind: 'stop' });
        await Promise.all([origin, ...peers].map(({ ended }) => ended));
      },
    };
  },
});

interface Programs {
  readonly peer: string;
  readonly seeder: string;
}

/** No secret: nobody else is here. */
const BENCH_KEY = Buffer.alloc(32, 7).toString('base64');

const startOne = (place: Place, station: Station, argv: readonly string[]) => {
  const { address } = station;
  const listening = deferred<PeerAddress>();
  const verified = deferred<void>();
  const fail = (reason: string) => {
    listening.reject(new Error(`${station.name}: ${reason}`));
    verified.reject(new Error(`${station.name}: ${reason}`));
  };
  const program = place.start(station, [process.execPath, ...argv], (line) => {
    const report = decodeReport(line);
    if (report.kind === 'listening') listening.resolve({ host: address, port: report.port });
    if (report.kind === 'verified') verified.resolve();
    if (report.kind === 'failed') fail(report.message);
  });
  void program.ended.then(fail);
  return {
    ...{ pid: program.pid, ended: program.ended, listening: listening.promise, verified: verified.promise },
    order: (order: PeerOrder) => program.write(encodeControl(order)),
  };
};

const fetchOrder = ({ payload, directoryOf }: Place, host: Station, metainfo: Uint8Array): FetchOrder => ({
  kind: 'fetch',
  metainfo: Buffer.from(metainfo).toString('base64'),
  sha256: payload.sha256,
  path: join(directoryOf(host), basename(payload.path)),
  announce: [],
  ports: [0, 0],
  listen: host.address,
  address: host.address,
});
