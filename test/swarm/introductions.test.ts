import { beforeEach, expect, test } from 'vitest';
import type { PeerAddress } from '#protocol/control.ts';
import { createIntroductions, type Introductions } from '#swarm/introductions.ts';

/** A mesh of hosts 0, 1, 2 ...; host n is at 10.0.0.n, with a spare address 10.1.0.n where it has one. */
let said: string[] = [];
const words = ({ host, port }: PeerAddress) => `${host}:${port}`;
const start = (hosts: number, ofSeeder: number[] = []): Introductions =>
  createIntroductions({
    neighbours: Array.from(
      { length: hosts },
      (_, place) => new Set([...Array(hosts).keys()].filter((other) => other !== place)),
    ),
    ofSeeder: new Set(ofSeeder),
    seeder: () => ({ host: 'seeder', port: 1 }),
    order: (place, peers) => void said.push(`${place} calls ${peers.map(words).join(', ')}`),
    lostSeeder: (place) => void said.push(`${place} lost the seeder`),
    closed: (from, to, port) => void said.push(`${from} cannot reach ${to} on ${port}`),
    alone: (place) => void said.push(`${place} is alone`),
  });
const at = (host: string) => ({ host, port: 42 });
const listen = (introductions: Introductions, place: number, spare = false) =>
  introductions.listens(place, {
    ...{ likely: [at(`10.0.0.${place}`)], spare: spare ? [at(`10.1.0.${place}`)] : [] },
  });
const fails = (introductions: Introductions, place: number, host: string) =>
  introductions.unreachable(place, at(host), 'silent');

beforeEach(() => {
  said = [];
});

test('a newcomer calls those that listen already, and the seeder if it is one of its neighbours', () => {
  const introductions = start(3, [0, 2]);
  for (const place of [0, 1, 2]) listen(introductions, place);
  expect(said).toEqual(['0 calls seeder:1', '1 calls 10.0.0.0:42', '2 calls seeder:1, 10.0.0.0:42, 10.0.0.1:42']);
});

test('who takes no call is asked to call back, once', () => {
  const introductions = start(2);
  for (const place of [0, 1]) listen(introductions, place);
  said = [];
  fails(introductions, 1, '10.0.0.0');
  fails(introductions, 1, '10.0.0.0');
  expect(said).toEqual(['1 cannot reach 0 on 42', '0 calls 10.0.0.1:42']);
});

test('spare addresses are tried before a pair counts as cut off; who has nobody left calls the seeder', () => {
  const introductions = start(2);
  listen(introductions, 0, true);
  listen(introductions, 1);
  said = [];
  fails(introductions, 1, '10.0.0.0');
  expect(said.splice(0)).toEqual(['1 cannot reach 0 on 42', '0 calls 10.0.0.1:42', '1 calls 10.1.0.0:42']);
  fails(introductions, 0, '10.0.0.1');
  expect(said.splice(0)).toEqual([]);
  fails(introductions, 1, '10.1.0.0');
  expect(said).toEqual(['1 is alone', '1 calls seeder:1', '0 is alone', '0 calls seeder:1']);
});

test('a host that still has a neighbour is not alone', () => {
  const introductions = start(3);
  for (const place of [0, 1, 2]) listen(introductions, place);
  said = [];
  fails(introductions, 1, '10.0.0.0');
  fails(introductions, 0, '10.0.0.1');
  expect(said.filter((line) => line.includes('alone'))).toEqual([]);
});

test('who has no way to the seeder is replaced by one who listens, or the next who does', () => {
  const introductions = start(4, [0, 1]);
  for (const place of [0, 1, 2]) listen(introductions, place);
  said = [];
  introductions.withoutSeeder(0);
  introductions.withoutSeeder(1);
  introductions.withoutSeeder(3);
  expect(said.splice(0)).toEqual(['2 calls seeder:1']);
  listen(introductions, 3);
  expect(said).toEqual(['3 calls seeder:1, 10.0.0.0:42, 10.0.0.1:42, 10.0.0.2:42']);
});

test('a lost seeder is told, and addresses that nobody was told of are not', () => {
  const introductions = start(1, [0]);
  listen(introductions, 0);
  introductions.unreachable(0, { host: 'seeder', port: 1 }, 'refused');
  introductions.unreachable(0, { host: 'elsewhere', port: 1 }, 'refused');
  expect(said).toEqual(['0 calls seeder:1', '0 lost the seeder']);
});
