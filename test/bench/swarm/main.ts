/**
 * Brings one file to a fleet whose links are the bottleneck, with Rookery's peers and with other programs for the same
 * job, and measures each against what no program can go below. In a round the tools take turns.
 */
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Bench, positive, say } from '../command-line.ts';
import { describeMachine } from '../machine.ts';
import { aria2 } from './aria2.ts';
import { chooseCases } from './cases.ts';
import { findPython, libtorrent } from './libtorrent.ts';
import { isShaped } from './links.ts';
import { renderReport } from './report.ts';
import { rookery } from './rookery.ts';
import { runCase, whyLoopback } from './run-case.ts';
import type { Run } from './run-once.ts';
import { makeScratch, removeScratch } from './scratch.ts';
import { chooseTools } from './tool.ts';

/** Runs the benchmark. Resolves with the exit code: 1 where a tool was missing or failed. */
export const main = async (args: readonly string[], { root, programs, signal }: Bench): Promise<number> => {
  const { values } = parseWords(args);
  const rounds = values.runs === undefined ? undefined : positive('runs', values.runs);
  const dir = await makeScratch();
  try {
    const peer = join(dir, 'peer.cjs');
    await copyFile(join(root, 'dist/peer.cjs'), peer); // a build in the meantime changes nothing
    const { tools, left } = chooseTools(values.tools.split(','), [
      rookery({ peer, seeder: join(programs, 'seeder.mjs') }),
      rookery({ peer, seeder: join(programs, 'seeder.mjs') }, true),
      aria2({ tracker: join(programs, 'tracker.mjs') }),
      libtorrent({ script: join(root, 'test/bench/swarm/libtorrent-peer.py') }),
    ]);
    const loopback = whyLoopback();
    if (loopback) left.push(`${loopback}: loopback only, and only the cases without limits`);
    const cases = chooseCases(values.case).filter(({ links }) => !loopback || !isShaped(links.origin));
    for (const line of left) say(line);

    const runs: Run[] = [];
    const sampler = values.timeline ? join(programs, 'sampler.mjs') : undefined;
    for (const setting of cases) {
      const own = tools.filter(({ name }) => setting.tools?.includes(name) ?? true);
      const outcome = await runCase({ setting, tools: own, dir, signal, sampler }, rounds ?? setting.runs ?? RUNS);
      runs.push(...outcome.runs);
      left.push(...outcome.failures);
    }
    const machine = await describeMachine({
      aria2: ['aria2c', '--version'],
      libtorrent: [findPython() ?? 'python3-libtorrent', '-c', 'import libtorrent; print(libtorrent.__version__)'],
    });
    say(renderReport(cases, runs, { machine, left }));
    if (values.json) await writeFile(values.json, `${JSON.stringify({ machine, left, runs }, null, 2)}\n`);
    return left.length > 0 ? 1 : 0;
  } catch (error) {
    if (!signal.aborted) throw error;
    return 130;
  } finally {
    await removeScratch(dir);
  }
};

const parseWords = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    options: {
      case: { type: 'string', multiple: true, default: [] },
      tools: { type: 'string', default: 'rookery,aria2,libtorrent' },
      runs: { type: 'string' },
      json: { type: 'string' },
      timeline: { type: 'boolean', default: false },
    },
  });

const RUNS = 5;
