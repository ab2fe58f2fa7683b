import { describe, expect, test } from 'vitest';
import { createGeometry } from '#torrent/geometry.ts';
import type { NodeOptions, SimNode } from './node.ts';
import { seededRandom } from './random.ts';
import { createSimulation, type Simulation } from './simulation.ts';

const KIB = 1024;

/** A seeder and `count` leechers, each connected to all. */
const mesh = (
  simulation: Simulation,
  count: number,
  options: NodeOptions,
): { seeder: SimNode; leechers: SimNode[] } => {
  const seeder = simulation.join({ ...options, complete: true });
  const leechers = Array.from({ length: count }, () => simulation.join(options));
  connectAll(simulation);
  return { seeder, leechers };
};

const connectAll = (simulation: Simulation): void => {
  for (const left of simulation.nodes) {
    for (const right of simulation.nodes) if (left.name < right.name) simulation.connect(left, right);
  }
};

const allDone = (leechers: readonly SimNode[]) => () =>
  leechers.every((node) => node.completedAt !== undefined || !node.alive || node.mute);

describe('a random small swarm', () => {
  const seeds = Array.from({ length: 100 }, (_, seed) => seed);
  test.each(seeds)('completes whatever joins, dies, falls silent or lies (seed %i)', (seed) => {
    const random = seededRandom(seed);
    const pick = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
    const geometry = createGeometry(pick(1, 3000 * KIB), pick(1, 16) * 16 * KIB);
    const simulation = createSimulation({ geometry, random });
    const { clock } = simulation;
    simulation.join({ complete: true, uplink: pick(50, 2000) * KIB, fast: random() < 0.8 });
    for (let left = pick(1, 8); left > 0; left--) {
      clock.after(random() * 3000, () => {
        const node = simulation.join({
          uplink: pick(20, 2000) * KIB,
          downlink: pick(500, 2000) * KIB,
          fast: random() < 0.8,
        });
        for (const other of simulation.nodes) {
          if (other !== node && other.alive && (other.name === 0 || random() < 0.7)) simulation.connect(node, other);
        }
        if (random() < 0.15) clock.after(random() * 3000, () => simulation.kill(node));
        else if (random() < 0.1)
          clock.after(random() * 3000, () => {
            node.mute = true;
          });
      });
    }
    if (random() < 0.3) {
      clock.after(random() * 2000, () => {
        const liar = simulation.join({ complete: true, liar: true, uplink: pick(50, 2000) * KIB });
        for (const other of simulation.nodes) if (other !== liar && other.alive) simulation.connect(liar, other);
      });
    }
    expect(
      simulation.clock.run(
        () => clock.now > 3000 && allDone(simulation.nodes.slice(1).filter((node) => !node.options.liar))(),
        400_000,
      ),
    ).toBe(true);
  });
});

describe('the engine', () => {
  test('makes the same decisions when run again with the same chance', () => {
    const run = (): string => {
      const simulation = createSimulation({ geometry: createGeometry(2000 * KIB, 64 * KIB), random: seededRandom(7) });
      const { leechers } = mesh(simulation, 5, { uplink: 500 * KIB });
      simulation.clock.run(allDone(leechers), 100_000);
      return JSON.stringify(simulation.nodes.map((node) => [node.completedAt, node.swarm.totals]));
    };
    expect(run()).toBe(run());
  });

  test('lets leechers pass on what they have: eight take hardly longer than one', () => {
    const simulation = createSimulation({
      geometry: createGeometry(8 * 1024 * KIB, 32 * KIB),
      random: seededRandom(1),
    });
    const { seeder, leechers } = mesh(simulation, 8, { uplink: 1024 * KIB });
    expect(simulation.clock.run(allDone(leechers), 60_000)).toBe(true);
    const bound = 8 * 1000;
    expect(Math.max(...leechers.map((node) => node.completedAt as number)) / bound).toBeLessThan(2);
    expect(seeder.swarm.totals.uploaded / (8 * 1024 * KIB)).toBeLessThan(2);
  });

  test('fetches few blocks twice', () => {
    const simulation = createSimulation({
      geometry: createGeometry(8 * 1024 * KIB, 32 * KIB),
      random: seededRandom(2),
    });
    const { leechers } = mesh(simulation, 8, { uplink: 1024 * KIB });
    simulation.clock.run(allDone(leechers), 60_000);
    for (const leecher of leechers) expect(leecher.swarm.totals.downloaded / (8 * 1024 * KIB)).toBeLessThan(1.1);
  });

  test('drops a liar and fetches its pieces elsewhere', () => {
    const simulation = createSimulation({ geometry: createGeometry(2000 * KIB, 64 * KIB), random: seededRandom(3) });
    const liar = simulation.join({ complete: true, liar: true, uplink: 4000 * KIB });
    const { leechers } = mesh(simulation, 3, { uplink: 1000 * KIB });
    expect(simulation.clock.run(allDone(leechers), 60_000)).toBe(true);
    expect(liar.swarm.totals.peers).toBe(0);
    for (const leecher of leechers) expect(leecher.wrong).toBeGreaterThan(0);
  });

  test('routes around a source that falls silent within about two seconds', () => {
    const geometry = createGeometry(4000 * KIB, 64 * KIB);
    const time = (silent: boolean): number => {
      const simulation = createSimulation({ geometry, random: seededRandom(4) });
      const first = simulation.join({ complete: true, uplink: 1000 * KIB });
      const { leechers } = mesh(simulation, 1, { uplink: 1000 * KIB });
      if (silent)
        simulation.clock.after(1000, () => {
          first.mute = true;
        });
      else simulation.clock.after(1000, () => simulation.kill(first));
      expect(simulation.clock.run(allDone(leechers), 60_000)).toBe(true);
      return (leechers[0] as SimNode).completedAt as number;
    };
    expect(time(true) - time(false)).toBeLessThan(2500);
  });

  test('completes without the seeder once every piece is out', () => {
    const simulation = createSimulation({ geometry: createGeometry(2000 * KIB, 64 * KIB), random: seededRandom(5) });
    const { seeder, leechers } = mesh(simulation, 4, { uplink: 500 * KIB });
    const everyPieceOut = (): boolean =>
      Array.from({ length: seeder.swarm.have.size }, (_, piece) => piece).every((piece) =>
        leechers.some((node) => node.swarm.have.has(piece)),
      );
    expect(simulation.clock.run(everyPieceOut, 60_000)).toBe(true);
    simulation.kill(seeder);
    expect(simulation.clock.run(allDone(leechers), 60_000)).toBe(true);
  });

  test('parts from neighbours with which nothing is left to exchange', () => {
    const simulation = createSimulation({ geometry: createGeometry(500 * KIB, 32 * KIB), random: seededRandom(6) });
    const { leechers } = mesh(simulation, 4, { uplink: 500 * KIB });
    simulation.clock.run(allDone(leechers), 60_000);
    simulation.clock.run(() => false, simulation.clock.now + 1000);
    for (const node of simulation.nodes) expect(node.swarm.totals.peers).toBe(0);
  });
});
