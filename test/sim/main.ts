import { parseArgs } from 'node:util';
import { type FleetOptions, type FleetResult, simulateFleet } from './fleet.ts';
import { runRandomSwarm } from './random-swarm.ts';
import { createTimeline } from './timeline.ts';

const KIB = 1024;

const USAGE = `node test/sim/run.mjs [--hosts 16] [--rate 25] [--seed-rate RATE] [--mib 32] [--piece KIB] [--block KIB]
  [--slow 0] [--seed 1] [--latency 5] [--fifo] [--zones 1] [--between RATE] [--blind] [--timeline MS]
node test/sim/run.mjs --random-swarm SEED
Rates are Mbit/s, pieces and blocks KiB (default: as a deploy chooses them), the latency ms. --seed 3..9 runs every seed from 3 to 9.
`;

const number = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const OPTIONS = {
  ...{ hosts: number, rate: number, 'seed-rate': number, mib: number, piece: number, block: number },
  ...{ slow: number, seed: number, latency: number, zones: number, between: number },
  ...{ 'random-swarm': number, timeline: number },
  ...{ fifo: flag, blind: flag, help: flag },
} as const;

/** Runs one configuration, once for each seed, and prints how it fared. */
export const main = (words: readonly string[]): number => {
  const { values } = parseArgs({ args: [...words], options: OPTIONS });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  if (values['random-swarm'] !== undefined) return runRandomSwarms(seedsOf(values['random-swarm']));
  const given = (name: keyof typeof values, otherwise: number): number => Number(values[name] ?? otherwise);
  const hosts = given('hosts', 16);
  const rate = given('rate', 25);
  const options: Omit<FleetOptions, 'seed'> = {
    ...{ hosts, rate, seedRate: given('seed-rate', rate), bytes: given('mib', 32) * KIB * KIB },
    slow: given('slow', 0),
    ...{ zones: given('zones', 1), blind: values.blind === true },
    ...(values.between === undefined ? {} : { between: given('between', 0) }),
    ...(values.block === undefined ? {} : { blockBytes: given('block', 0) * KIB }),
    ...(values.piece === undefined ? {} : { pieceLength: given('piece', 0) * KIB }),
    ...{ latency: given('latency', 5), sharing: values.fifo ? 'fifo' : 'turns' },
  };
  const step = given('timeline', 0);
  const results = seedsOf(values.seed ?? '1').map((seed) =>
    runOne(step > 0 ? { ...options, watch: createTimeline(step, console.log) } : options, seed),
  );
  if (results.length > 1) summarize(results);
  return 0;
};

/** Runs small swarms made by chance; 1 when one of them does not complete. */
const runRandomSwarms = (seeds: readonly number[]): number => {
  let failed = 0;
  for (const seed of seeds) {
    const swarm = runRandomSwarm(seed);
    if (!swarm.complete) failed++;
    const kind = `${swarm.complete ? 'complete' : 'NEVER COMPLETE'}${swarm.calm ? '' : ', stormy'}`;
    console.log(
      `seed ${seed}: ${kind}, ${swarm.hosts} hosts, ${swarm.bytes} bytes: ${swarm.seconds.toFixed(2)} s after the last join,` +
        ` bound ${swarm.bound.toFixed(2)} s, egress ${swarm.egress.toFixed(2)}`,
    );
  }
  return failed > 0 ? 1 : 0;
};

/** `3..5` is 3, 4 and 5. */
const seedsOf = (word: string): number[] => {
  const [first = 1, last = first] = word.split('..').map(Number);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
};

const runOne = (options: Omit<FleetOptions, 'seed'>, seed: number): FleetResult => {
  const before = process.cpuUsage();
  const result = simulateFleet({ ...options, seed });
  const cpu = process.cpuUsage(before).user / 1e6;
  const slow = result.slowRatio === undefined ? '' : ` slow ${result.slowRatio.toFixed(3)}`;
  console.log(
    `seed ${seed}: ratio ${result.ratio.toFixed(3)}${slow} egress ${result.egress.toFixed(3)} crossed ${result.crossed.toFixed(3)}` +
      ` median ${result.median.toFixed(2)} s last ${result.last.toFixed(2)} s bound ${result.bound.toFixed(2)} s` +
      ` duplicates ${result.duplicates.toFixed(4)} events ${result.events} CPU ${cpu.toFixed(1)} s`,
  );
  return result;
};

const summarize = (results: readonly FleetResult[]): void => {
  const ratios = results.map(({ ratio }) => ratio).sort((left, right) => left - right);
  const [median, worst] = [ratios[ratios.length >> 1] as number, ratios.at(-1) as number];
  const egress = Math.max(...results.map((result) => result.egress));
  console.log(
    `${ratios.length} runs: ratio median ${median.toFixed(3)} worst ${worst.toFixed(3)} egress worst ${egress.toFixed(3)}`,
  );
};
