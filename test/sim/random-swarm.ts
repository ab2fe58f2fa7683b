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

/** A swarm in the making, and its dice. */
interface World {
  readonly simulation: Simulation;
  /** Who knows whom, the seeder left out. */
  readonly known: [SimNode, SimNode][];
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
  const world = createWorld(seed);
  const { simulation, pick, often, known } = world;
  const seeder = simulation.join({ ...someLink(world), complete: true, handsOut: often(0.8) });
  const stormy = often(0.5);
  for (let left = pick(1, 8); left > 0; left--) addHost(world, stormy);
  if (stormy && often(0.5)) addLiar(world);

  const { clock, nodes } = simulation;
  const { size: pieces } = seeder.swarm.have;
  const isDone = (node: SimNode): boolean =>
    node.options.liar === true || !node.alive || node.mute || node.swarm.have.count === pieces;
  const complete = clock.run(() => clock.now > JOIN_MS && nodes.every(isDone), LIMIT_MS);
  const hosts = nodes.filter((node) => node !== seeder && !node.options.liar);
  const { bytes } = world;
  return {
    ...{ complete, bytes, hosts: hosts.length },
    calm: !nodes.some((node) => node.options.liar || !node.alive || node.mute),
    seconds: (clock.now - JOIN_MS) / 1000,
    bound: boundFor(bytes, seeder, hosts, known),
    egress: seeder.swarm.totals.uploaded / bytes,
  };
};

const createWorld = (seed: number): World & { readonly bytes: number } => {
  const random = seededRandom(seed);
  const pick = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
  const often = (share: number): boolean => random() < share;
  const bytes = pick(1, 3000 * KIB);
  const geometry = createGeometry(bytes, pick(1, 16) * 16 * KIB);
  const simulation = createSimulation({
    ...{ geometry, random, latency: pick(1, 50), sharing: often(0.8) ? 'turns' : 'fifo' },
  });
  return { simulation, bytes, known: [], random, pick, often };
};

const someLink = ({ pick, often }: World): NodeOptions => ({
  ...{ uplink: pick(20, 2000) * KIB, downlink: pick(20, 2000) * KIB, fast: often(0.8) },
});

/** A host that comes some time; in a stormy swarm it may die and come back with what it had, or fall silent. */
const addHost = (world: World, stormy: boolean): void => {
  const { random, often } = world;
  const { clock } = world.simulation;
  const options = someLink(world);
  clock.after(random() * JOIN_MS, () => {
    const node = joinSome(world, options);
    if (stormy && often(0.15)) clock.after(random() * JOIN_MS, () => die(world, node));
    else if (stormy && often(0.1)) clock.after(random() * JOIN_MS, () => fallSilent(node));
  });
};

const addLiar = (world: World): void => {
  const options = { ...someLink(world), complete: true, liar: true };
  world.simulation.clock.after(world.random() * JOIN_MS, () => joinSome(world, options));
};

/** A node that knows the seeder and most of the others. */
const joinSome = ({ simulation, known, often }: World, options: NodeOptions): SimNode => {
  const [seeder, ...rest] = simulation.nodes as [SimNode, ...SimNode[]];
  const others = rest.filter((node) => node.alive && often(0.7));
  const node = simulation.join(options);
  simulation.connect(node, seeder);
  for (const other of others) {
    simulation.connect(node, other);
    known.push([node, other]);
  }
  return node;
};

const die = (world: World, node: SimNode): void => {
  world.simulation.kill(node);
  if (!world.often(0.5)) return;
  const have = createBitfield(node.swarm.have.size);
  for (let piece = 0; piece < have.size; piece++) if (node.swarm.have.has(piece)) have.add(piece);
  world.simulation.clock.after(world.random() * 1000, () => joinSome(world, { ...node.options, have }));
};

const fallSilent = (node: SimNode): void => {
  node.mute = true;
};

/** The bound for links like these; to each group of hosts that others reach by the seeder alone, that sends a copy. */
const boundFor = (bytes: number, seeder: SimNode, hosts: readonly SimNode[], known: World['known']): number => {
  const { uplink } = seeder.options;
  const ups = hosts.map(({ options }) => options.uplink);
  const downs = hosts.map(({ options }) => options.downlink ?? options.uplink);
  const groups = new Map(hosts.map((node) => [node, node.name]));
  for (const [left, right] of known) {
    const [kept, merged] = [groups.get(left), groups.get(right)];
    for (const [node, group] of groups) if (group === merged && kept !== undefined) groups.set(node, kept);
  }
  return Math.max(bound(bytes, uplink, ups, downs), (new Set(groups.values()).size * bytes) / uplink);
};
