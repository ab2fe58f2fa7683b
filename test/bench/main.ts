/**
 * Deploys one application to the same sshd hosts with every tool in turn, and prints what each took. All tools run in
 * one go and take turns (A B C, A B C, ...), so that a machine that is busier for a while is busier for all of them;
 * for the same reason ratios are taken within a round first, and then their median.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SSHD_TOOLS, startSshdFleet } from '../support/sshd-fleet.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';
import { findTool } from '../support/tools.ts';
import { makeApplication } from './application.ts';
import { capistrano } from './capistrano.ts';
import { describeMachine } from './machine.ts';
import { rookery } from './our-deploy.ts';
import { renderReport } from './report.ts';
import { type Kind, type Run, runRound } from './rounds.ts';
import { main as runSwarm } from './swarm/main.ts';
import type { Tool } from './tool.ts';

const KINDS: readonly Kind[] = ['first', 'redeploy'];

/** Runs the benchmark that the first word names. */
export const main = async (args: readonly string[], root: string, programs: string): Promise<number> =>
  args[0] === 'swarm' ? runSwarm(args.slice(1), root, programs) : runDeploys(args, root);

const runDeploys = async (args: readonly string[], root: string): Promise<number> => {
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

  const interrupt = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupt.abort(new Error(name)));
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
          signal: interrupt.signal,
          say,
        });
        done.push(...outcomes.runs);
        failed.push(...outcomes.failed);
      }
    }
    const machine = await describeMachine();
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
    if (!interrupt.signal.aborted) throw error;
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

const positive = (name: string, text: string): number => {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} takes a whole number from 1, not ${text}`);
  return number;
};

const say = (text: string): void => void process.stdout.write(`${text}\n`);
