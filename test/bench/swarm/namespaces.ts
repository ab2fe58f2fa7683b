/** Network namespaces by name, and the processes in them. Root only. */
import { execFile } from 'node:child_process';
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { signalProcesses } from '../../support/host-processes.ts';

const PLACE = '/run/netns';

/** The command that runs `argv` in the network of a namespace; it has the same process id. */
export const inNamespace = (name: string, argv: readonly string[]): readonly string[] => [
  'nsenter',
  `--net=${PLACE}/${name}`,
  ...argv,
];

/** Runs lines of `ip` or `tc` in one go, in the namespace or, without one, in this one. @throws with what it said */
export const batch = async (tool: 'ip' | 'tc', lines: readonly string[], namespace?: string): Promise<void> => {
  const where = namespace === undefined ? [] : ['-n', namespace];
  const running = promisify(execFile)(tool, [...where, '-batch', '-']);
  running.child.stdin?.on('error', () => {}); // it ends at the first bad line; how it ended tells
  running.child.stdin?.end(`${lines.join('\n')}\n`);
  await running;
};

export const makeNamespaces = (names: readonly string[]): Promise<void> =>
  batch(
    'ip',
    names.map((name) => `netns add ${name}`),
  );

/** Kills what runs in them, and removes them with all their devices. */
export const removeNamespaces = async (names: readonly string[]): Promise<void> => {
  signalProcesses('SIGKILL', processesIn(names));
  const there = listNamespaces().filter((name) => names.includes(name));
  if (there.length > 0)
    await batch(
      'ip',
      there.map((name) => `netns del ${name}`),
    );
};

export const listNamespaces = (): string[] => {
  try {
    return readdirSync(PLACE);
  } catch {
    return []; // nobody has made one since the machine started
  }
};

const processesIn = (names: readonly string[]): number[] => {
  const networks = new Set(names.map(networkOf).filter((network) => network !== undefined));
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && networks.has(networkOfProcess(pid) ?? ''));
};

/** What /proc/PID/ns/net of a process in it points to. */
const networkOf = (name: string): string | undefined => {
  const entry = statSync(`${PLACE}/${name}`, { throwIfNoEntry: false });
  return entry && `net:[${entry.ino}]`;
};

const networkOfProcess = (pid: number): string | undefined => {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
};
