import { main as runDeploys } from './deploy/main.ts';
import { main as runNetworks } from './networks/main.ts';
import { main as runRuntime } from './runtime.ts';
import { main as simulate } from './simulate.ts';
import { main as runSwarms } from './swarm/main.ts';

const BENCHMARKS = {
  ...{ deploy: runDeploys, swarm: runSwarms, networks: runNetworks, runtime: runRuntime },
  simulate,
} as const;

/**
 * Runs the benchmark that the first word names, with the words after it; without words all, with their defaults.
 * `root` is the top of the repository, `programs` holds bundled helpers. Resolves with the exit code: 1 where a tool was
 * missing or failed, 130 after an interrupt. @throws on words that it does not know
 */
export const main = async (words: readonly string[], root: string, programs: string): Promise<number> => {
  const interrupt = new AbortController();
  // Not once: npm passes the terminal's Ctrl-C on, so that it comes twice.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => interrupt.abort(new Error(name)));
  process.stdout.on('error', (error) => interrupt.abort(error)); // nobody reads on, as with `| head`
  const place = { root, programs, signal: interrupt.signal };
  const [name, ...rest] = words;
  if (name !== undefined && !Object.hasOwn(BENCHMARKS, name))
    throw new Error(
      `no benchmark ${name}: there are ${Object.keys(BENCHMARKS).join(' and ')}, and their options follow`,
    );
  let worst = 0;
  for (const [own, run] of Object.entries(BENCHMARKS)) {
    if ((name === undefined || name === own) && !interrupt.signal.aborted)
      worst = Math.max(worst, await run(rest, place));
  }
  return worst;
};
