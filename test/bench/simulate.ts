import { parseArgs } from 'node:util';
import { simulateFleet } from '../sim/fleet.ts';

const MIB = 1024 * 1024;

/**
 * Fleets that no machine here can hold, in virtual time: 1 Gbit/s, 1 GiB, the engine and the graph of a deploy, pieces and
 * blocks of 4 MiB, because the simulation's work is proportional to the number of blocks. Prints a line for each size.
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
    const size = { bytes: 1024 * MIB, pieceLength: 4 * MIB, blockBytes: 4 * MIB };
    const { ratio, egress, median, last, bound } = simulateFleet({
      hosts,
      rate: 1000,
      seed: Number(values.seed),
      ...size,
    });
    const took = (performance.now() - begun) / 1000;
    process.stdout.write(
      `${hosts} hosts, 1 Gbit/s, 1 GiB: ${ratio.toFixed(3)} x the bound of ${bound.toFixed(2)} s (median ${median.toFixed(2)} s, last ${last.toFixed(2)} s), ` +
        `egress ${egress.toFixed(3)}; simulated in ${took.toFixed(0)} s\n`,
    );
  }
  return 0;
};
