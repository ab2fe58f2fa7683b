import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SshdFleet } from '../../support/sshd-fleet.ts';
import type { Application } from './application.ts';
import { type Measured, measure } from './measure.ts';
import type { Tool } from './tool.ts';
import { servedBy } from './tree-hash.ts';

/** `first`: to hosts that have nothing of the application; `redeploy`: of a small change, to hosts that serve it; `no-change`: of the commit that they serve. */
export type Kind = 'first' | 'redeploy' | 'no-change';

/** One deploy that ended well and was found on every host. */
export interface Run extends Measured {
  readonly tool: string;
  readonly kind: Kind;
  /** Round 0 is not counted. */
  readonly round: number;
  /** Commands per host by the tool's own record. */
  readonly commands: number;
  /** Sessions (commands and sftp) per host that sshd opened. */
  readonly sessions: number;
}

export interface Round {
  readonly kind: Kind;
  readonly round: number;
  readonly tools: readonly Tool[];
  readonly application: Application;
  readonly fleet: Pick<SshdFleet, 'hosts'>;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

/** One deploy by every tool, in order. A tool that fails is told and does not take part again. */
export const runRound = async (round: Round): Promise<{ runs: Run[]; failed: string[] }> => {
  const runs: Run[] = [];
  const failed: string[] = [];
  if (round.kind === 'redeploy') await round.application.change();
  const expected = await round.application.expected();
  for (const tool of round.tools) {
    try {
      const run = await runOnce(round, tool, expected);
      round.say(`${round.kind} ${round.round}  ${tool.name.padEnd(16)} ${run.seconds.toFixed(2)} s`);
      runs.push(run);
    } catch (error) {
      round.signal.throwIfAborted();
      round.say(`${tool.name} failed: ${(error as Error).message}`);
      failed.push(tool.name);
    }
  }
  return { runs, failed };
};

const runOnce = async (round: Round, tool: Tool, expected: Served): Promise<Run> => {
  const { fleet, kind } = round;
  if (kind === 'first') await Promise.all(fleet.hosts.map(({ files }) => emptyDirectory(files, tool.application)));
  const before = sessionsOf(fleet);
  const { stdout, ...measured } = await measure(tool.command(), fleet, round.signal);
  for (const host of fleet.hosts) {
    const served = await servedBy(host, tool.application);
    if (served.revision !== expected.revision) throw new Error(`${host.name} serves revision ${served.revision}`);
    if (served.tree !== expected.tree) throw new Error(`${host.name} serves other files than the commit's`);
  }
  return {
    ...{ tool: tool.name, kind, round: round.round, ...measured },
    commands: await tool.commandsPerHost(stdout),
    sessions: (sessionsOf(fleet) - before) / fleet.hosts.length,
  };
};

interface Served {
  readonly revision: string;
  readonly tree: string;
}

const emptyDirectory = async (files: string, application: string): Promise<void> => {
  for (const name of await readdir(files)) {
    if (name.includes(application)) await rm(join(files, name), { recursive: true });
  }
};

const sessionsOf = (fleet: Pick<SshdFleet, 'hosts'>): number =>
  fleet.hosts.reduce((sum, host) => sum + host.log().split('Starting session: ').length - 1, 0);
