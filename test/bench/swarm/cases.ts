import type { Links } from './links.ts';

/** One set-up that all tools are measured in. */
export interface Case {
  readonly name: string;
  /** What it is, in the words of the report. */
  readonly title: string;
  /** Size of the payload. */
  readonly bytes: number;
  readonly links: Links;
  /** Index of a host whose link is slower than the others'. */
  readonly slow?: number;
  /** What counts is the time over the bound. */
  readonly over?: boolean;
  /** Counted runs, where the case needs a number of its own. */
  readonly runs?: number;
  /** It is not run unless its name is given. */
  readonly onlyByName?: boolean;
  /** Tools, where it is not about all of them. */
  readonly tools?: readonly string[];
}

const MIB = 2 ** 20;

const alike = (hosts: number, rate: number, origin = rate): Links => ({ origin, hosts: Array(hosts).fill(rate) });

const withSlow = (hosts: number, rate: number, slow: number, slowRate: number): Links => ({
  origin: rate,
  hosts: Array.from({ length: hosts }, (_, index) => (index === slow ? slowRate : rate)),
});

const UNSHAPED = Number.POSITIVE_INFINITY;
const SLOW = 8;

/** In the order in which they are run. */
export const CASES: readonly Case[] = [
  { name: '8x25', title: '8 hosts, 25 Mbit/s, 32 MiB', bytes: 32 * MIB, links: alike(8, 25) },
  { name: '16x25', title: '16 hosts, 25 Mbit/s, 32 MiB', bytes: 32 * MIB, links: alike(16, 25) },
  { name: '24x12.5', title: '24 hosts, 12.5 Mbit/s, 16 MiB', bytes: 16 * MIB, links: alike(24, 12.5) },
  { name: '32x12.5', title: '32 hosts, 12.5 Mbit/s, 16 MiB', bytes: 16 * MIB, links: alike(32, 12.5) },
  {
    ...{ name: 'slow-seeder', title: '16 hosts, 25 Mbit/s, the origin 5 Mbit/s, 8 MiB' },
    ...{ bytes: 8 * MIB, links: alike(16, 25, 5) },
  },
  {
    ...{ name: 'slow-host', title: '16 hosts, 25 Mbit/s, one of them 2.5 Mbit/s, 32 MiB' },
    ...{ bytes: 32 * MIB, links: withSlow(16, 25, SLOW, 2.5), slow: SLOW },
  },
  { name: 'small', title: '16 hosts, 25 Mbit/s, 1 MiB', bytes: MIB, links: alike(16, 25), over: true },
  {
    ...{ name: 'zones', title: '2 zones of 8 hosts, 25 Mbit/s, 10 Mbit/s between them, 16 MiB', bytes: 16 * MIB },
    links: { ...alike(16, 25), between: 10 },
  },
  { name: 'unshaped', title: '8 hosts without a limit, 256 MiB', bytes: 256 * MIB, links: alike(8, UNSHAPED) },
  { name: 'memory', title: '2 hosts without a limit, 2 GiB', bytes: 2048 * MIB, links: alike(2, UNSHAPED), runs: 1 },
  {
    ...{ name: 'worst', title: '16 hosts, 25 Mbit/s, 32 MiB, the worst of 20 runs', bytes: 32 * MIB },
    ...{ links: alike(16, 25), runs: 20, tools: ['rookery'] },
  },
  { name: 'tiny', title: '2 hosts, 25 Mbit/s, 256 KiB', bytes: MIB / 4, links: alike(2, 25), onlyByName: true },
];

/** The cases of these names, all that there are where none is given. @throws on a name that is none of theirs */
export const chooseCases = (names: readonly string[]): readonly Case[] => {
  const unknown = names.find((name) => !CASES.some((one) => one.name === name));
  if (unknown !== undefined)
    throw new Error(`no case ${unknown}: there are ${CASES.map(({ name }) => name).join(', ')}`);
  return CASES.filter(({ name, onlyByName }) => (names.length === 0 ? !onlyByName : names.includes(name)));
};
