import { choosePieceLength } from '#protocol/metainfo.ts';
import { drawNeighbours, drawSeederNeighbours, type Neighbours } from '#swarm/neighbours.ts';
import { BLOCK_BYTES, createGeometry } from '#torrent/geometry.ts';
import type { Place } from '#torrent/zone.ts';
import type { Sharing } from './link.ts';
import type { SimNode } from './node.ts';
import { seededRandom } from './random.ts';
import { createSimulation, type Simulation } from './simulation.ts';

/** A fleet with one seeder. Rates are Mbit/s in each direction, sizes bytes. */
export interface FleetOptions {
  readonly hosts: number;
  readonly rate: number;
  /** The seeder's rate; default: that of the hosts. */
  readonly seedRate?: number;
  readonly bytes: number;
  /** Default: as a deploy to so many hosts chooses it. */
  readonly pieceLength?: number;
  /** Default: as our peers choose it. A large fleet is simulated with large ones, for its events are as many as its blocks. */
  readonly blockBytes?: number;
  /** Zones that the hosts are in, in equal parts, the seeder in the first; default 1. */
  readonly zones?: number;
  /** Mbit/s from each zone to each other; default: no limit. */
  readonly between?: number;
  /** Nobody is told of zones. */
  readonly blind?: boolean;
  /** Hosts with a tenth of the rate; default 0. */
  readonly slow?: number;
  readonly seed?: number;
  /** Milliseconds; default 5. */
  readonly latency?: number;
  readonly sharing?: Sharing;
  /** Called every 100 ms of virtual time. */
  readonly watch?: (simulation: Simulation) => void;
}

/** How a fleet fared. Times are seconds; ratios are to the lower bound. */
export interface FleetResult {
  /** Time until the last of the hosts that are not slow is done, to the bound for these alone. */
  readonly ratio: number;
  /** The same for the slow hosts, to the bound for all; undefined without slow hosts. */
  readonly slowRatio: number | undefined;
  readonly bound: number;
  readonly median: number;
  readonly last: number;
  /** Bytes that the seeder sent, as a multiple of the payload. */
  readonly egress: number;
  /** Payload that came into a zone from others, in copies: the most of any zone. */
  readonly crossed: number;
  /** Bytes that a host received twice, as a share of the payload, on average. */
  readonly duplicates: number;
  /** Events that the engines handled. */
  readonly events: number;
}

/** Runs a fleet until every host is done. @throws when that takes more than a hundred times the bound, and ten minutes. */
export const simulateFleet = (options: FleetOptions): FleetResult => {
  const { hosts, rate, seedRate = rate, bytes, slow = 0, seed = 1 } = options;
  const { pieceLength = choosePieceLength(bytes, hosts), blockBytes = chooseBlock(pieceLength) } = options;
  const random = seededRandom(seed);
  const { latency = 5, sharing = 'turns' } = options;
  const geometry = createGeometry(bytes, pieceLength, blockBytes);
  const { zones = 1, between, blind = false } = options;
  const simulation = createSimulation({
    ...{ geometry, random, latency, sharing },
    ...(between === undefined ? {} : { between: perSecond(between) }),
  });
  const zoneOf = (host: number): string => `zone${Math.floor((host * zones) / hosts)}`;
  const drawn = drawNeighbours(
    Array.from({ length: hosts }, (_, host) => (blind ? undefined : zoneOf(host))),
    random,
  );
  const placeOf = (host: number): Place => {
    const gateway = drawn.gateways.get(host);
    return { name: zoneOf(host), ...(gateway ? { gateway } : {}) };
  };
  const rates = Array.from({ length: hosts }, (_, host) => (host >= hosts - slow ? rate / 10 : rate));
  const seeder = simulation.join({ complete: true, handsOut: true, uplink: perSecond(seedRate), zone: zoneOf(0) });
  const leechers = rates.map((own, host) =>
    simulation.join({
      ...{ uplink: perSecond(own), zone: zoneOf(host) },
      ...(zones > 1 && !blind ? { place: placeOf(host) } : {}),
    }),
  );
  introduce(simulation, drawn, random);
  watchOver(simulation, options.watch);
  const crossing = zones > 1 && between !== undefined ? bytes / perSecond(between) : 0;
  const boundOf = (some: readonly number[]): number =>
    Math.max(crossing, bound(bytes, perSecond(seedRate), some.map(perSecond)));
  const limit = boundOf(rates) * 100_000 + 600_000;
  if (!simulation.clock.run(() => simulation.totals.completed === hosts, limit)) throw new Error('never completes');

  const times = leechers.map(({ completedAt }) => (completedAt as number) / 1000);
  const quick = times.slice(0, hosts - slow);
  const received = leechers.reduce((sum, { swarm }) => sum + swarm.totals.downloaded, 0);
  return {
    ratio: highest(quick) / boundOf(rates.slice(0, hosts - slow)),
    slowRatio: slow > 0 ? highest(times.slice(hosts - slow)) / boundOf(rates) : undefined,
    bound: boundOf(rates.slice(0, hosts - slow)),
    median: [...times].sort((left, right) => left - right)[hosts >> 1] as number,
    last: highest(times),
    egress: seeder.swarm.totals.uploaded / bytes,
    crossed: mostCrossed(simulation.crossed) / bytes,
    duplicates: received / hosts / bytes - 1,
    events: simulation.totals.events,
  };
};

/** The least seconds in which a seeder can bring `bytes` to hosts with these rates, up and down alike. Rates are bytes a second. */
export const bound = (bytes: number, seeder: number, hosts: readonly number[], down = hosts): number => {
  const lowest = down.reduce((least, rate) => Math.min(least, rate), Number.POSITIVE_INFINITY);
  const together = hosts.reduce((sum, rate) => sum + rate, seeder);
  return Math.max(bytes / seeder, bytes / lowest, (hosts.length * bytes) / together);
};

/** Connects everybody as a deploy does. */
const introduce = ({ nodes, connect }: Simulation, drawn: Neighbours, random: () => number): void => {
  const [seeder, ...hosts] = nodes as [SimNode, ...SimNode[]];
  for (const host of drawSeederNeighbours(hosts.length, random)) connect(hosts[host] as SimNode, seeder);
  for (const [host, others] of drawn.of.entries()) {
    for (const other of others) if (other < host) connect(hosts[host] as SimNode, hosts[other] as SimNode);
  }
};

const mostCrossed = (crossed: ReadonlyMap<string, number>): number => {
  const into = new Map<string, number>();
  for (const [name, bytes] of crossed) {
    const to = name.split('>')[1] as string;
    into.set(to, (into.get(to) ?? 0) + bytes);
  }
  return highest([...into.values()]);
};

const watchOver = (simulation: Simulation, watch: FleetOptions['watch']): void => {
  if (watch === undefined) return;
  const look = simulation.clock.lane(100, () => {
    watch(simulation);
    look(undefined);
  });
  look(undefined);
};

/** What `peer/torrent-identity.ts` chooses among peers of ours. */
const chooseBlock = (pieceLength: number): number => Math.min(64 * 1024, Math.max(BLOCK_BYTES, pieceLength / 4));

const perSecond = (mbit: number): number => mbit * 125_000;

const highest = (numbers: readonly number[]): number => numbers.reduce((most, one) => Math.max(most, one), 0);
