import { join } from 'node:path';
import { findTool } from '../../support/tools.ts';
import { say } from '../command-line.ts';
import type { Case } from './cases.ts';
import { describeRun } from './figures.ts';
import { loopbackFleet } from './fleet.ts';
import { startNamespaceFleet } from './namespace-fleet.ts';
import { makePayload } from './payload.ts';
import { type Run, runOnce } from './run-once.ts';
import { renderTimeline } from './timeline.ts';
import type { Tool } from './tool.ts';

export interface CaseRequest {
  readonly setting: Case;
  readonly tools: readonly Tool[];
  /** A directory in memory. */
  readonly dir: string;
  readonly signal: AbortSignal;
  /** The program that counts the links' bytes, where time lines are wanted. */
  readonly sampler?: string | undefined;
}

/** Rounds in which each tool has its turn, on one fleet with one payload. A run that fails is told, and the next ones follow. */
export const runCase = async ({ setting, tools, dir, signal, sampler }: CaseRequest, rounds: number) => {
  const runs: Run[] = [];
  const failures: string[] = [];
  const fleet = whyLoopback() ? loopbackFleet(setting.links) : await startNamespaceFleet(setting.links);
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
          failures.push(`${setting.name}, ${tool.name}, run ${round}: failed, ${(error as Error).message}`);
          say(failures.at(-1)!);
        }
      }
    }
  } finally {
    await fleet.close();
  }
  return { runs, failures };
};

/** Why there can be no namespaces here, if so. */
export const whyLoopback = (): string | undefined => {
  if (process.getuid?.() !== 0) return 'without root there are no namespaces';
  const missing = ['ip', 'tc', 'nsenter'].filter((tool) => !findTool(tool));
  return missing.length === 0 ? undefined : `this machine has no ${missing.join(', ')}`;
};
