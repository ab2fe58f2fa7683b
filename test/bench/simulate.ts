import { parseArgs } from 'node:util';
import { simulateFleet } from '../sim/fleet.ts';

const MIB = 1024 * 1024;
const BYTES = 1024 * MIB;

/** The simulation's work is proportional to hosts times blocks: so many blocks in all take minutes. */
const BLOCKS = 2_600_000;

/**
 * Fleets that no machine here can hold, in virtual time: 1 Gbit/s, 1 GiB, the engine and the graph of a deploy. A deploy's pieces
 * would be of 512 KiB and its blocks of 64 KiB: here both are as small as BLOCKS allows. Prints a line for each size.
 */
export const main = async (words: readonly string[], { signal }: { readonly signal: AbortSignal }): Promise<number> => {
  const { values } = parseArgs({
    args: [...words],
    options: {
      hosts: { type: 'string', multiple: true, default: ['1000', '10000'] },
      seed: { type: 'string', default: '1' },
    },
  });
  for (const text of values.hosts) {
    const hosts = Number(text);
    if (!Number.isInteger(hosts) || hosts < 1) throw new Error(`--hosts takes a whole number from 1, not ${text}`);
    if (signal.aborted) return 130;
    const begun = performance.now();
    const pieceLength = pieceFor(hosts);
    const { ratio, egress, median, last, bound } = simulateFleet({
      hosts,
      rate: 1000,
      seed: Number(values.seed),
      ...{ bytes: BYTES, pieceLength, blockBytes: pieceLength },
    });
    const took = (performance.now() - begun) / 1000;
    process.stdout.write(
      `${hosts} hosts, 1 Gbit/s, 1 GiB in pieces of ${pieceLength / MIB} MiB: ${ratio.toFixed(3)} x the bound of ${bound.toFixed(2)} s (median ${median.toFixed(2)} s, last ${last.toFixed(2)} s), ` +
        `egress ${egress.toFixed(3)}; simulated in ${took.toFixed(0)} s with ${residentMib()} MiB at the most\n`,
    );
  }
  return 0;
};

/** The least power of two, from 1 MiB on. */
const pieceFor = (hosts: number): number => {
  let length = MIB;
  while ((hosts * BYTES) / length > BLOCKS) length *= 2;
  return length;
};

/** The most memory that this process has had. */
const residentMib = (): number => Math.round(process.resourceUsage().maxRSS / 1024);
