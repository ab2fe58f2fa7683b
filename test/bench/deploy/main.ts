/**
 * Deploys one application to the same sshd hosts with every tool in turn, and prints what each took. All tools run in
 * one go and take turns (A B C, A B C, ...), so that a machine that is busier for a while is busier for all of them;
 * for the same reason ratios are taken within a round first, and then their median.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isRoot, SSHD_TOOLS, type SshdFleet, startSshdFleet } from '../../support/sshd-fleet.ts';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.ts';
import { findTool } from '../../support/tools.ts';
import { type Bench, positive, say } from '../command-line.ts';
import { describeMachine } from '../machine.ts';
import { type Application, makeApplication, type Size } from './application.ts';
import { capistrano } from './capistrano.ts';
import { delayFleet } from './delay.ts';
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

/** What is deployed to how many hosts, in which ways. */
interface Case {
  readonly label: string;
  readonly size: Size;
  readonly hosts: number;
  readonly kinds: readonly Kind[];
  /** Milliseconds of a round trip between deployer and hosts, in place of loopback's. */
  readonly roundTrip?: number;
  /**
   * The hosts' /var/www are in memory. ext4 passes over the inodes of what was removed in the last minute, one by one, for every
   * file that it creates: deploys in a row would pay for the releases that those before them removed.
   */
  readonly inMemory?: true;
}

/** The large application where bytes count, the small one where round trips do. */
const casesFor = (hosts: number): Case[] => [
  { label: 'large', size: { files: 2000, bytes: 30_000_000 }, hosts, kinds: ['first', 'redeploy'] },
  { label: 'small-1', size: SMALL, hosts: 1, kinds: ['no-change'], inMemory: true },
  { label: 'small-8', size: SMALL, hosts: 8, kinds: ['no-change'], inMemory: true },
  { label: 'far-1', size: SMALL, hosts: 1, kinds: ['no-change'], inMemory: true, roundTrip: 20 },
  { label: 'far-8', size: SMALL, hosts: 8, kinds: ['no-change'], inMemory: true, roundTrip: 20 },
];

const SMALL: Size = { files: 50, bytes: 200_000 };

/** Runs the benchmark. Resolves with the exit code: 1 where a tool was missing or failed. */
export const main = async (args: readonly string[], { root, signal }: Bench): Promise<number> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '5' },
      hosts: { type: 'string', default: '8' },
      kind: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const runs = positive('runs', values.runs);
  const { kind } = values;
  const cases = casesFor(positive('hosts', values.hosts)).filter(
    ({ kinds }) => kind === undefined || kinds.includes(kind as Kind),
  );
  if (cases.length === 0) throw new Error(`--kind takes first, redeploy or no-change, not ${kind}`);
  const missing = SSHD_TOOLS.filter((tool) => !findTool(tool));
  if (missing.length > 0) {
    say(`no benchmark: this machine has no ${missing.join(', ')}`);
    return 1;
  }

  const dir = await makeTempDir('bench');
  try {
    const machine = await describeMachine(TOOLS);
    say(
      `${Object.entries(machine)
        .map(([name, value]) => `${name}: ${value}`)
        .join('\n')}\n`,
    );
    const done: CaseResult[] = [];
    for (const one of cases) done.push(await runCase(one, { dir, root, runs, signal }));
    if (values.json) await writeFile(values.json, `${JSON.stringify({ machine, cases: done }, null, 2)}\n`);
    return done.some(({ left }) => left.length > 0) ? 1 : 0;
  } catch (error) {
    if (!signal.aborted) throw error;
    return 130;
  } finally {
    await removeTempDir(dir);
  }
};

interface Around {
  readonly dir: string;
  readonly root: string;
  readonly runs: number;
  readonly signal: AbortSignal;
}

interface Result {
  readonly runs: readonly Run[];
  /** Tools that did not take part to the end, and why. */
  readonly left: readonly string[];
}

interface CaseResult extends Result {
  readonly hosts: number;
  readonly roundTrip?: number;
  readonly application: Application['facts'];
}

const runCase = async (one: Case, around: Around): Promise<CaseResult> => {
  const fleet = await startSshdFleet({
    hosts: one.hosts,
    config: ['Match all', 'LogLevel VERBOSE'], // it logs every session
    ...(one.inMemory && isRoot() ? { diskSize: '200m' } : {}),
  });
  try {
    if (one.roundTrip === undefined) return await runOn(one, { ...around, fleet });
    const delayed = await delayFleet(fleet, one.roundTrip);
    return await runOn(one, { ...around, fleet: delayed.fleet }).finally(delayed.close);
  } finally {
    await fleet.close();
  }
};

const runOn = async (
  { label, size, hosts, kinds, roundTrip }: Case,
  { dir, root, fleet, runs, signal }: Around & { readonly fleet: SshdFleet },
): Promise<CaseResult> => {
  const application = await makeApplication(join(dir, label), size);
  const place = { dir, label, root, fleet, repository: application.bare };
  const { tools, left } = await available([rookery('torrent', place), rookery('sftp', place), capistrano(place)]);
  say(
    `${hosts === 1 ? 'one host' : `${hosts} hosts`}${far(roundTrip)}, ${application.describe()}; every kind once uncounted, then ${runs} counted rounds\n`,
  );

  const done: Run[] = [];
  const failed: string[] = [];
  for (const kind of kinds) {
    for (let round = 0; round <= runs; round++) {
      const alive = tools.filter(({ name }) => !failed.includes(name));
      const outcomes = await runRound({ kind, round, tools: alive, application, fleet, signal, say });
      done.push(...outcomes.runs);
      failed.push(...outcomes.failed);
    }
  }
  const out = [...left, ...failed.map((name) => `${name}: failed`)];
  const counted = done.filter((run) => run.round > 0);
  say(
    renderReport(counted, {
      hosts: `${hosts === 1 ? 'one host' : `${hosts} hosts`}${far(roundTrip)}`,
      kinds,
      left: out,
    }),
  );
  return {
    hosts,
    ...(roundTrip === undefined ? {} : { roundTrip }),
    application: application.facts,
    runs: done,
    left: out,
  };
};

const far = (roundTrip: number | undefined): string => (roundTrip === undefined ? '' : `, ${roundTrip} ms away`);

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
