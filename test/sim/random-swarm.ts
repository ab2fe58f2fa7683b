import { createBitfield } from '#torrent/bitfield.ts';
import { createGeometry } from '#torrent/geometry.ts';
import { bound } from './fleet.ts';
import type { NodeOptions, SimNode } from './node.ts';
import { seededRandom } from './random.ts';
import { createSimulation, type Simulation } from './simulation.ts';

/** How a swarm made by chance ended. */
export interface RandomSwarm {
  /** Every host that is alive has everything. */
  readonly complete: boolean;
  /** Nobody died, fell silent or lied. */
  readonly calm: boolean;
  /** Seconds from the moment when all have joined to the end. */
  readonly seconds: number;
  /** Seconds that such links need at least when all start together. */
  readonly bound: number;
  readonly hosts: number;
  readonly bytes: number;
  /** Bytes that the seeder sent, as a multiple of the payload. */
  readonly egress: number;
}

/** The dice of one swarm. */
interface Chance {
  readonly random: () => number;
  /** A whole number from `low` to `high`. */
  pick(low: number, high: number): number;
  /** True this often, from 0 to 1. */
  often(share: number): boolean;
}

const KIB = 1024;
const JOIN_MS = 3000;
const LIMIT_MS = 1_000_000;

/** A small swarm of which everything is chance: links, pieces, latency, who knows whom, who joins, dies, comes back, falls silent, lies. */
export const runRandomSwarm = (seed: number): RandomSwarm => {
  const chance = createChance(seed);
  const { random, pick, often } = chance;
  const geometry = createGeometry(pick(1, 3000 * KIB), pick(1, 16) * 16 * KIB);
  const simulation = createSimulation({
    ...{ geometry, random, latency: pick(1, 50), sharing: often(0.8) ? 'turns' : 'fifo' },
  });
  const seeder = simulation.join({ ...someLink(chance), complete: true, handsOut: often(0.8) });
  const stormy = often(0.5);
  for (let left = pick(1, 8); left > 0; left--) addHost(simulation, chance, stormy);
  if (stormy && often(0.5)) addLiar(simulation, chance);

  const { clock, nodes } = simulation;
  const isDone = (node: SimNode): boolean =>
    node.options.liar === true || !node.alive || node.mute || node.swarm.have.count === geometry.pieces;
  const complete = clock.run(() => clock.now > JOIN_MS && nodes.every(isDone), LIMIT_MS);
  const hosts = nodes.filter((node) => node !== seeder && !node.options.liar);
  return {
    ...{ complete, hosts: hosts.length, bytes: geometry.length },
    calm: !nodes.some((node) => node.options.liar || !node.alive || node.mute),
    seconds: (clock.now - JOIN_MS) / 1000,
    bound: boundFor(geometry.length, seeder, hosts),
    egress: seeder.swarm.totals.uploaded / geometry.length,
  };
};

const createChance = (seed: number): Chance => {
  const random = seededRandom(seed);
  const pick = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
  return { random, pick, often: (share) => random() < share };
};

const someLink = ({ pick, often }: Chance): NodeOptions => ({
  ...{ uplink: pick(20, 2000) * KIB, downlink: pick(20, 2000) * KIB, fast: often(0.8) },
});

/** A host that comes some time; in a stormy swarm it may die and come back with what it had, or fall silent. */
const addHost = (simulation: Simulation, chance: Chance, stormy: boolean): void => {
  const { clock } = simulation;
  const { random, often } = chance;
  const options = someLink(chance);
  clock.after(random() * JOIN_MS, () => {
    const node = joinSome(simulation, chance, options);
    const dies = stormy && often(0.15);
    if (dies) clock.after(random() * JOIN_MS, () => die(simulation, chance, node));
    else if (stormy && often(0.1)) clock.after(random() * JOIN_MS, () => fallSilent(node));
  });
};

const addLiar = (simulation: Simulation, chance: Chance): void => {
  const options = { ...someLink(chance), complete: true, liar: true };
  simulation.clock.after(chance.random() * JOIN_MS, () => joinSome(simulation, chance, options));
};

/** A node that knows the seeder and most of the others. */
const joinSome = (simulation: Simulation, { often }: Chance, options: NodeOptions): SimNode => {
  const others = simulation.nodes.filter((node) => node.alive && (node.name === 0 || often(0.7)));
  const node = simulation.join(options);
  for (const other of others) simulation.connect(node, other);
  return node;
};

const die = (simulation: Simulation, chance: Chance, node: SimNode): void => {
  simulation.kill(node);
  if (!chance.often(0.5)) return;
  const have = createBitfield(node.swarm.have.size);
  for (let piece = 0; piece < have.size; piece++) if (node.swarm.have.has(piece)) have.add(piece);
  simulation.clock.after(chance.random() * 1000, () => joinSome(simulation, chance, { ...node.options, have }));
};

const fallSilent = (node: SimNode): void => {
  node.mute = true;
};

const boundFor = (bytes: number, seeder: SimNode, hosts: readonly SimNode[]): number =>
  bound(
    bytes,
    seeder.options.uplink,
    hosts.map((node) => node.options.uplink),
    hosts.map((node) => node.options.downlink ?? node.options.uplink),
  );
