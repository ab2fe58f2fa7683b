import { createGeometry } from '#torrent/geometry.ts';
import type { NodeOptions, SimNode } from './node.ts';
import { seededRandom } from './random.ts';
import { createSimulation, type Simulation } from './simulation.ts';

const KIB = 1024;

/** A seeder that hands out, and leechers: what the tests of the engine's promises begin with. */
export interface SmallFleet extends Simulation {
  readonly seeder: SimNode;
  readonly leechers: readonly SimNode[];
  /** Runs until every leecher that is alive is done; the second when the last one was. @throws when that never happens. */
  finish(): number;
}

export interface SmallFleetOptions {
  readonly hosts: number;
  /** Payload, KiB; default 4 MiB. */
  readonly kib?: number;
  /** KiB; default 64. */
  readonly piece?: number;
  /** Links up and down of everybody, KiB a second; default 1024. */
  readonly rate?: number;
  readonly seeder?: Partial<NodeOptions>;
  readonly seed?: number;
}

/** A small fleet of which everybody knows everybody. */
export const createSmallFleet = (options: SmallFleetOptions): SmallFleet => {
  const fleet = createStrangers(options);
  const { nodes } = fleet;
  for (const [index, right] of nodes.entries()) for (const left of nodes.slice(0, index)) fleet.connect(left, right);
  return fleet;
};

/** A small fleet without connections. */
export const createStrangers = (options: SmallFleetOptions): SmallFleet => {
  const { hosts, kib = 4096, piece = 64, rate = 1024, seed = 1 } = options;
  const geometry = createGeometry(kib * KIB, piece * KIB);
  const simulation = createSimulation({ geometry, random: seededRandom(seed) });
  const link = { uplink: rate * KIB };
  const seeder = simulation.join({ ...link, complete: true, handsOut: true, ...options.seeder });
  const leechers = Array.from({ length: hosts }, () => simulation.join(link));
  const finish = (): number => {
    const waiting = (): boolean => leechers.some((node) => node.alive && !node.mute && node.completedAt === undefined);
    if (!simulation.clock.run(() => !waiting(), 600_000)) throw new Error('never completes');
    return Math.max(...leechers.map(({ completedAt = 0 }) => completedAt)) / 1000;
  };
  return { ...simulation, seeder, leechers, finish };
};
