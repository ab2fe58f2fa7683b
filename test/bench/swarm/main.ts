/**
 * Brings one file to a fleet whose links are the bottleneck, with Rookery's peers and with other programs for the same
 * job, and measures each against what no program can go below. In a round the tools take turns.
 */
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Case, chooseCases } from './cases.ts';
import { describeRun } from './figures.ts';
import { type Fleet, loopbackFleet } from './fleet.ts';
import { startNamespaceFleet } from './namespace-fleet.ts';
import { makePayload } from './payload.ts';
import { rookery } from './rookery.ts';
import { type Run, runOnce } from './run-once.ts';
import { renderTimeline } from './timeline.ts';
import type { Tool } from './tool.ts';

/** Runs the benchmark. `programs` holds its bundled helpers. Resolves with the exit code: 1 where a tool was missing or failed. */
export const main = async (args: readonly string[], root: string, programs: string): Promise<number> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      case: { type: 'string', multiple: true, default: [] },
      tools: { type: 'string', default: 'rookery' },
      runs: { type: 'string' },
      json: { type: 'string' },
      timeline: { type: 'boolean', default: false },
    },
  });
  const interrupt = new AbortController();
  // Not once: npm passes the terminal's Ctrl-C on, so that it comes twice.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => interrupt.abort(new Error(name)));
  const dir = await mkdtemp('/dev/shm/rookery-bench-');
  const done: Run[] = [];
  const left: string[] = [];
  try {
    const peer = join(dir, 'peer.cjs'); // a build in the meantime changes nothing
    await copyFile(join(root, 'dist/peer.cjs'), peer);
    const tools = [rookery({ peer, seeder: join(programs, 'seeder.mjs') })];
    for (const setting of chooseCases(values.case)) {
      const bench = { setting, tools, dir, signal: interrupt.signal };
      const runs = Number(values.runs ?? setting.runs ?? 5);
      const sampler = values.timeline ? join(programs, 'sampler.mjs') : undefined;
      const outcome = await runCase(bench, runs, sampler);
      done.push(...outcome.runs);
      left.push(...outcome.failures);
    }
    if (values.json) await writeFile(values.json, `${JSON.stringify({ runs: done, left }, null, 2)}\n`);
    return left.length > 0 ? 1 : 0;
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    return 130;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

interface Bench {
  readonly setting: Case;
  readonly tools: readonly Tool[];
  readonly dir: string;
  readonly signal: AbortSignal;
}

const runCase = async ({ setting, tools, dir, signal }: Bench, rounds: number, sampler: string | undefined) => {
  const runs: Run[] = [];
  const failures: string[] = [];
  const fleet: Fleet = isRoot() ? await startNamespaceFleet(setting.links) : loopbackFleet(setting.links);
  try {
    const payload = await makePayload(join(dir, 'payload.bin'), setting.bytes);
    for (let round = 1; round <= rounds; round++) {
      for (const tool of tools) {
        try {
          const { run, begun, samples } = await runOnce({ setting, tool, round, fleet, payload, dir, signal, sampler });
          runs.push(run);
          say(describeRun(setting, run));
          if (samples) say(renderTimeline(samples, setting.links, begun, Math.max(...run.hosts)));
        } catch (error) {
          signal.throwIfAborted();
          failures.push(`${setting.name} ${tool.name} ${round}: failed, ${(error as Error).message}`);
          say(failures.at(-1)!);
        }
      }
    }
  } finally {
    await fleet.close();
  }
  return { runs, failures };
};

const isRoot = () => process.getuid?.() === 0;

const say = (text: string): void => void process.stdout.write(`${text}\n`);
