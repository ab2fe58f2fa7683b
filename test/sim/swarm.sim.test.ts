import { describe, expect, test } from 'vitest';
import type { SimNode } from './node.ts';
import { createSmallFleet, createStrangers, type SmallFleet } from './small-fleet.ts';

/** Runs until some piece count or time is reached. @throws when that never happens. */
const runUntil = ({ clock }: SmallFleet, done: () => boolean): void => {
  expect(clock.run(done, 600_000)).toBe(true);
};

/** What came over a node's link down, as a multiple of the payload. */
const received = ({ swarm }: SimNode, kib: number): number => swarm.totals.downloaded / (kib * 1024);

describe('the engine', () => {
  test('makes the same decisions when run again with the same chance', () => {
    const run = (): string => {
      const fleet = createSmallFleet({ hosts: 5, seed: 7 });
      fleet.finish();
      return JSON.stringify(fleet.nodes.map((node) => [node.completedAt, node.swarm.totals]));
    };
    expect(run()).toBe(run());
  });

  test('lets hosts pass on what they have: eight take hardly longer than one, and the seeder sends one copy', () => {
    const fleet = createSmallFleet({ hosts: 8, kib: 8192 });
    expect(fleet.finish() / 8).toBeLessThan(1.15);
    expect(fleet.seeder.swarm.totals.uploaded / (8192 * 1024)).toBeLessThan(1.1);
  });

  test('fetches few blocks twice', () => {
    const fleet = createSmallFleet({ hosts: 8, kib: 8192 });
    fleet.finish();
    for (const leecher of fleet.leechers) expect(received(leecher, 8192)).toBeLessThan(1.05);
  });

  test('parts from neighbours with which nothing is left to exchange', () => {
    const fleet = createSmallFleet({ hosts: 4, kib: 500 });
    fleet.finish();
    fleet.clock.run(() => false, fleet.clock.now + 5000);
    for (const node of fleet.nodes) expect(node.swarm.totals.peers).toBe(0);
  });

  test('feeds a host that reaches only the seeder, at the price of one more copy', () => {
    const fleet = createStrangers({ hosts: 6 });
    const [lonely, ...others] = fleet.leechers as [SimNode, ...SimNode[]];
    fleet.connect(fleet.seeder, lonely);
    for (const [index, left] of others.entries()) {
      fleet.connect(fleet.seeder, left);
      for (const right of others.slice(index + 1)) fleet.connect(left, right);
    }
    const twoCopies = 2 * 4; // seconds on the seeder's link: one for the lonely host, one for all others
    expect(fleet.finish()).toBeLessThan(1.25 * twoCopies);
  });

  test('feeds hosts that know nobody but the seeder, one and several', () => {
    for (const hosts of [1, 3]) {
      const fleet = createStrangers({ hosts, kib: 1024 });
      for (const leecher of fleet.leechers) fleet.connect(fleet.seeder, leecher);
      expect(fleet.finish()).toBeLessThan(hosts * 1.3 + 1);
    }
  });
});

describe('a host that dies in the middle', () => {
  test.each([0.2, 0.5, 0.8])('delays nobody by more than its own share (dies at %f of the time)', (share) => {
    const hosts = 8;
    const undisturbed = createSmallFleet({ hosts }).finish();
    const fleet = createSmallFleet({ hosts });
    fleet.clock.after(share * undisturbed * 1000, () => fleet.kill(fleet.leechers[3] as SimNode));
    expect(fleet.finish()).toBeLessThan(undisturbed * (1 + 1 / hosts));
  });

  test('delays nobody much either when nobody notices that it is gone', () => {
    const undisturbed = createSmallFleet({ hosts: 8 }).finish();
    const fleet = createSmallFleet({ hosts: 8 });
    fleet.clock.after(undisturbed * 500, () => {
      (fleet.leechers[3] as SimNode).mute = true;
    });
    expect(fleet.finish()).toBeLessThan(undisturbed * (1 + 1 / 8) + 2);
  });
});

describe('a source that falls silent', () => {
  test('is routed around within two seconds', () => {
    const time = (stop: (fleet: SmallFleet, node: SimNode) => void): number => {
      const fleet = createStrangers({ hosts: 1, seeder: { handsOut: false } });
      const [leecher] = fleet.leechers as [SimNode];
      const other = fleet.join({ complete: true, uplink: 1024 * 1024 });
      for (const source of [fleet.seeder, other]) fleet.connect(leecher, source);
      fleet.clock.after(1000, () => stop(fleet, other));
      return fleet.finish();
    };
    const gone = time((fleet, node) => fleet.kill(node));
    const silent = time((_, node) => {
      node.mute = true;
    });
    expect(silent - gone).toBeLessThan(2);
  });
});

describe('the seeder', () => {
  test('may die once every piece is out: the swarm completes', () => {
    const fleet = createSmallFleet({ hosts: 4 });
    const { seeder, leechers } = fleet;
    const isOut = (piece: number): boolean => leechers.some((node) => node.swarm.have.has(piece));
    const pieces = Array.from({ length: seeder.swarm.have.size }, (_, piece) => piece);
    runUntil(fleet, () => pieces.every(isOut));
    const at = fleet.clock.now / 1000;
    fleet.kill(seeder);
    expect(fleet.finish() - at).toBeLessThan(1);
  });

  test('gives a piece again when the only host that has it dies', () => {
    const fleet = createSmallFleet({ hosts: 3 });
    const [first] = fleet.leechers as [SimNode];
    runUntil(fleet, () => first.swarm.have.count > 4);
    fleet.kill(first);
    expect(fleet.finish()).toBeLessThan(6);
  });
});

describe('a liar', () => {
  test('is dropped, and its pieces are fetched elsewhere', () => {
    const fleet = createSmallFleet({ hosts: 3, kib: 2000 });
    const liar = fleet.join({ complete: true, liar: true, uplink: 4096 * 1024 });
    for (const leecher of fleet.leechers) fleet.connect(leecher, liar);
    fleet.finish();
    expect(liar.swarm.totals.peers).toBe(0);
    expect(fleet.leechers.some(({ wrong }) => wrong > 0)).toBe(true);
  });
});
