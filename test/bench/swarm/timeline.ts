import { deferred } from './deferred.ts';
import type { Fleet } from './fleet.ts';
import { isShaped, type Links } from './links.ts';
import { type Program, startProgram } from './program.ts';

/** One reading of the links' counters. */
interface Sample {
  /** Milliseconds by the wall clock. */
  readonly at: number;
  /** Bytes sent and received so far by the origin, then by each host. */
  readonly up: readonly number[];
  readonly down: readonly number[];
}

export type Samples = readonly Sample[];

/** Starts to read the links of a fleet ten times a second, by a program that is added to `programs`. Resolves with the first reading; undefined where there are no links. */
export const startSampling = async (fleet: Fleet, sampler: string, programs: Program[]) => {
  if (fleet.atSwitch === undefined) return undefined;
  const samples: Sample[] = [];
  const first = deferred<void>();
  const program = startProgram(fleet.atSwitch([process.execPath, sampler]), (line) => {
    const [at, ...counts] = JSON.parse(line) as [number, ...number[]];
    const pick = (parity: number) => counts.filter((_, index) => index % 2 === parity);
    samples.push({ at, up: pick(0), down: pick(1) });
    first.resolve();
  });
  programs.push(program);
  void program.ended.then((how) => first.reject(new Error(how)));
  await first.promise;
  return {
    stop: async (): Promise<Samples> => {
      program.kill();
      await program.ended;
      return samples;
    },
  };
};

const STEP_MS = 250;

/**
 * What a device counts of a full link: it counts the headers of a bundle of segments once, the link carries them with each.
 * 66 bytes of headers for 1,448 of content.
 */
const COUNTED = 1448 / 1514;

/** A table of the share of every link's capacity that was in use, in steps of a quarter of a second from `begun` (wall clock, ms) on. */
export const renderTimeline = (samples: Samples, { origin, hosts }: Links, begun: number, seconds: number): string => {
  const rates = [origin, ...hosts];
  if (!rates.every(isShaped)) return renderRates(samples, begun, seconds);
  const lines = steps(samples, begun, seconds).map(({ from, up, down }) => {
    const share = (bits: readonly number[]) => bits.map((rate, index) => (rate / rates[index]! / COUNTED) * 100);
    const [ups, downs] = [share(up), share(down)];
    return [from.toFixed(2), ups[0]!.toFixed(0), ...spread(ups.slice(1)), ...spread(downs.slice(1))];
  });
  return columns(
    ['   s', 'origin up %', 'hosts up % min', 'median', 'max', 'hosts down % min', 'median', 'max'],
    lines,
  );
};

const renderRates = (samples: Samples, begun: number, seconds: number): string => {
  const lines = steps(samples, begun, seconds).map(({ from, up, down }) => [
    ...[from.toFixed(2), up[0]!.toFixed(0), ...spread(up.slice(1)), ...spread(down.slice(1))],
  ]);
  const header = ['   s', 'origin up Mbit/s', 'hosts up min', 'median', 'max', 'hosts down min', 'median', 'max'];
  return columns(header, lines);
};

/** Mbit/s of every link in each step. */
const steps = (samples: Samples, begun: number, seconds: number) =>
  Array.from({ length: Math.ceil((seconds * 1000) / STEP_MS) }, (_, index) => {
    const [from, to] = [begun + index * STEP_MS, begun + (index + 1) * STEP_MS];
    const rate = (way: 'up' | 'down') =>
      samples[0]![way].map((_, link) => ((at(samples, to, way, link) - at(samples, from, way, link)) * 8e-3) / STEP_MS);
    return { from: (index * STEP_MS) / 1000, up: rate('up'), down: rate('down') };
  });

/** A counter at any moment, on the line between the readings around it. */
const at = (samples: Samples, when: number, way: 'up' | 'down', link: number): number => {
  const after = samples.findIndex((sample) => sample.at >= when);
  if (after === -1) return samples.at(-1)![way][link]!;
  if (after === 0) return samples[0]![way][link]!;
  const [a, b] = [samples[after - 1]!, samples[after]!];
  return a[way][link]! + ((b[way][link]! - a[way][link]!) * (when - a.at)) / (b.at - a.at);
};

const spread = (values: readonly number[]): string[] => {
  const sorted = [...values].sort((a, b) => a - b);
  return [sorted[0]!, sorted[Math.floor(sorted.length / 2)]!, sorted.at(-1)!].map((value) => value.toFixed(0));
};

const columns = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  [header, ...rows]
    .map((row) => row.map((cell, column) => cell.padStart(header[column]!.length)).join('  '))
    .join('\n');
