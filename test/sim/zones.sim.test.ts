import { describe, expect, test } from 'vitest';
import { createGeometry } from '#torrent/geometry.ts';
import { simulateFleet } from './fleet.ts';
import type { SimNode } from './node.ts';
import { seededRandom } from './random.ts';
import { createSimulation } from './simulation.ts';

const MIB = 1024 * 1024;

describe('two zones with a slow link between them', () => {
  test('take as long as one copy over it, and little more than one copy crosses', () => {
    const result = simulateFleet({ hosts: 16, rate: 25, bytes: 16 * MIB, zones: 2, between: 10 });
    expect(result.ratio).toBeLessThan(1.1);
    expect(result.crossed).toBeLessThan(1.1);
    expect(result.egress).toBeLessThan(1.1);
  });

  test('need no more when it is very slow, nor when there are many zones', () => {
    const slow = simulateFleet({ hosts: 16, rate: 25, bytes: 8 * MIB, zones: 2, between: 2 });
    expect(slow.crossed).toBeLessThan(1.5);
    const many = simulateFleet({ hosts: 40, rate: 25, bytes: 8 * MIB, zones: 8, between: 10 });
    expect(many.crossed).toBeLessThan(1.5);
    expect(many.egress).toBeLessThan(1.5);
  });
});

/** Two zones of four hosts; each host knows its own zone, the seeder, and those of the other zone that `far` names. */
const createTwoZones = (far: (place: number) => readonly number[]) => {
  const random = seededRandom(1);
  const link = { uplink: 25 * 125_000 };
  const simulation = createSimulation({ geometry: createGeometry(4 * MIB, 32 * 1024), random, between: 10 * 125_000 });
  const seeder = simulation.join({ ...link, complete: true, handsOut: true, zone: 'a' });
  const zones = ['a', 'b'].map((name) =>
    [0, 1, 2, 3].map((place) => {
      const where = { name, gateway: [place, 4] as const };
      return simulation.join({ ...link, zone: name, place: where });
    }),
  ) as [SimNode[], SimNode[]];
  for (const zone of zones) {
    for (const [at, host] of zone.entries()) {
      simulation.connect(host, seeder);
      for (const other of zone.slice(0, at)) simulation.connect(host, other);
    }
  }
  for (const [place, host] of zones[0].entries())
    for (const other of far(place)) simulation.connect(host, zones[1][other]!);
  const crossed = () => (simulation.crossed.get('a>b') ?? 0) / (4 * MIB);
  const finish = () => {
    const waits = ({ alive, mute, completedAt }: SimNode) => alive && !mute && completedAt === undefined;
    expect(simulation.clock.run(() => !zones.flat().some(waits), 60_000)).toBe(true);
    return simulation.clock.now / 1000;
  };
  const egress = () => seeder.swarm.totals.uploaded / (4 * MIB);
  return { ...simulation, a: zones[0], b: zones[1], crossed, egress, finish };
};

describe('a zone', () => {
  test.each(['kill', 'mute'] as const)('goes on when one of its gateways is gone (%s)', (how) => {
    const fleet = createTwoZones((place) => [place, (place + 1) % 4]);
    fleet.clock.after(800, () => {
      if (how === 'kill') fleet.kill(fleet.b[1]!);
      else fleet.b[1]!.mute = true;
    });
    expect(fleet.finish()).toBeLessThan(15);
    expect(fleet.crossed()).toBeLessThan(1.6);
  });

  test('that reaches no other one lives on the seeder, for one more copy and not one a host', () => {
    const fleet = createTwoZones(() => []);
    fleet.finish();
    expect(fleet.egress()).toBeLessThan(2.5);
    expect(fleet.crossed()).toBeLessThan(2);
  });
});
