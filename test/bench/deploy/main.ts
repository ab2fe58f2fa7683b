/**
 * Deploys one application to the same sshd hosts with every tool in turn, and prints what each took. All tools run in
 * one go and take turns (A B C, A B C, ...), so that a machine that is busier for a while is busier for all of them;
 * for the same reason ratios are taken within a round first, and then their median.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SSHD_TOOLS, startSshdFleet } from '../../support/sshd-fleet.ts';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.ts';
import { findTool } from '../../support/tools.ts';
import { type Bench, positive, say } from '../command-line.ts';
import { describeMachine } from '../machine.ts';
import { makeApplication } from './application.ts';
import { capistrano } from './capistrano.ts';
import { rookery } from './our-deploy.ts';
import { renderReport } from './report.ts';
import { type Kind, type Run, runRound } from './rounds.ts';
import type { Tool } from './tool.ts';

/** What tells the versions of what takes part. */
const TOOLS = {
  openssh: ['ssh', '-V'],
  git: ['git', '--version'],
  capistrano: ['cap', '--version'],
  ruby: ['ruby', '--version'],
} as const;

const KINDS: readonly Kind[] = ['first', 'redeploy'];

/** Runs the benchmark. Resolves with the exit code: 1 where a tool was missing or failed. */
export const main = async (args: readonly string[], { root, signal }: Bench): Promise<number> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '5' },
      hosts: { type: 'string', default: '8' },
      json: { type: 'string' },
    },
  });
  const runs = positive('runs', values.runs);
  const count = positive('hosts', values.hosts);
  const missing = SSHD_TOOLS.filter((tool) => !findTool(tool));
  if (missing.length > 0) {
    say(`no benchmark: this machine has no ${missing.join(', ')}`);
    return 1;
  }

  const dir = await makeTempDir('bench');
  const fleet = await startSshdFleet({ hosts: count, config: ['Match all', 'LogLevel VERBOSE'] }); // it logs every session
  try {
    const application = await makeApplication(join(dir, 'app'));
    const place = { dir, root, fleet, repository: application.bare };
    const { tools, left } = await available([rookery('torrent', place), rookery('sftp', place), capistrano(place)]);
    say(`${count} hosts, ${application.describe()}; every kind once uncounted, then ${runs} counted rounds\n`);

    const done: Run[] = [];
    const failed: string[] = [];
    for (const kind of KINDS) {
      for (let round = 0; round <= runs; round++) {
        const alive = tools.filter(({ name }) => !failed.includes(name));
        const outcomes = await runRound({
          kind,
          round,
          tools: alive,
          application,
          fleet,
          signal,
          say,
        });
        done.push(...outcomes.runs);
        failed.push(...outcomes.failed);
      }
    }
    const machine = await describeMachine(TOOLS);
    const counted = done.filter((run) => run.round > 0);
    say(
      renderReport(counted, {
        machine,
        hosts: count,
        kinds: KINDS,
        left: [...left, ...failed.map((name) => `${name}: failed`)],
      }),
    );
    if (values.json)
      await writeFile(
        values.json,
        `${JSON.stringify({ machine, hosts: count, application: application.facts, runs: done }, null, 2)}\n`,
      );
    return left.length + failed.length > 0 ? 1 : 0;
  } catch (error) {
    if (!signal.aborted) throw error;
    return 130;
  } finally {
    await fleet.close();
    await removeTempDir(dir);
  }
};

/** A tool that cannot take part is named and left out. */
const available = async (all: readonly Tool[]): Promise<{ tools: Tool[]; left: string[] }> => {
  const tools: Tool[] = [];
  const left: string[] = [];
  for (const tool of all) {
    const reason = tool.missing();
    if (reason === undefined) tools.push(tool);
    else left.push(`${tool.name}: left out, ${reason}`);
    if (reason === undefined) await tool.prepare();
    else say(left.at(-1)!);
  }
  return { tools, left };
};
