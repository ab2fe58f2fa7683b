import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { findTool } from '../support/tools.ts';

/** What the figures were measured on. */
export const describeMachine = async (): Promise<Readonly<Record<string, string>>> => ({
  date: new Date().toISOString().slice(0, 10),
  processor: `${availableParallelism()} x ${cpus()[0]?.model.trim() ?? 'unknown'}`,
  memory: `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
  system: `${/^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux'}, Linux ${release()}`,
  node: process.version,
  openssh: await versionOf('ssh', '-V'),
  git: await versionOf('git', '--version'),
  capistrano: await versionOf('cap', '--version'),
  ruby: await versionOf('ruby', '--version'),
});

const versionOf = async (tool: string, option: string): Promise<string> => {
  if (!findTool(tool)) return 'none';
  const { stdout, stderr } = await promisify(execFile)(tool, [option]);
  return (stdout || stderr).trim();
};
