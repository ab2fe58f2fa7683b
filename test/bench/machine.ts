import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { promisify } from 'node:util';

/** What the figures were measured on. `tools` holds the command that prints the version of each. */
export const describeMachine = async (
  tools: Readonly<Record<string, readonly [string, ...string[]]>>,
): Promise<Readonly<Record<string, string>>> => {
  const versions = Object.entries(tools).map(async ([name, command]) => [name, await versionOf(command)] as const);
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: `${availableParallelism()} x ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    memory: `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    system: `${/^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux'}, Linux ${release()}`,
    node: process.version,
    ...Object.fromEntries(await Promise.all(versions)),
  };
};

const versionOf = async ([tool, ...options]: readonly [string, ...string[]]): Promise<string> => {
  try {
    const { stdout, stderr } = await promisify(execFile)(tool, options);
    return (stdout || stderr).trim().split('\n')[0]!;
  } catch {
    return 'none';
  }
};
