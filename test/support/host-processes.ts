/** What runs, by the word of /proc (Linux). */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { until } from './until.ts';

export interface HostProcess {
  readonly pid: number;
  /** Name of the program, at most 15 characters. */
  readonly name: string;
  /** Its arguments, with spaces between. */
  readonly command: string;
}

/** Processes in any of the mount namespaces, zombies left out. */
export const inNamespaces = (namespaces: ReadonlySet<string>): HostProcess[] =>
  allPids()
    .filter((pid) => namespaces.has(namespaceOf(pid) ?? ''))
    .flatMap(describeProcess);

/** Processes whose environment holds this `NAME=value`. */
export const markedWith = (mark: string): HostProcess[] =>
  allPids()
    .filter((pid) => read(pid, 'environ').split('\0').includes(mark))
    .flatMap(describeProcess);

/** Children of the process, their children and so on. */
export const descendants = (ancestor: number): HostProcess[] => {
  const parents = new Map(allPids().map((pid) => [pid, parentOf(pid)]));
  const below = (pid: number | undefined): boolean =>
    pid !== undefined && (pid === ancestor || below(parents.get(pid)));
  return [...parents.keys()].filter((pid) => below(parents.get(pid))).flatMap(describeProcess);
};

/** Whether the process runs: a zombie does not. */
export const isRunning = (pid: number): boolean => describeProcess(pid).length > 0;

/** The mount namespace of a process, undefined where it has ended or is not ours to see. */
export const namespaceOf = (pid: number): string | undefined => link(`/proc/${pid}/ns/mnt`);

/** TCP ports that the processes listen on. */
export const listening = (pids: readonly number[]): number[] => {
  const inodes = new Set(pids.flatMap(socketsOf));
  const ports = sockets().flatMap(({ local, state, inode }) =>
    state === LISTEN && inodes.has(inode) ? [portOf(local)] : [],
  );
  return [...new Set(ports)];
};

/** How many sockets programs of this network hold that lead to an address (IPv4), also where the other end has hung up. */
export const leadingTo = (address: string, port: number): number => {
  const bytes = Buffer.from(address.split('.').map(Number)).readUInt32LE();
  const hex = bytes.toString(16).toUpperCase().padStart(8, '0');
  return sockets().filter(
    ({ remote, inode }) => remote.startsWith(`${hex}:`) && portOf(remote) === port && inode !== '0',
  ).length;
};

/** The `ssh` programs of our openssh transport that are for a host: its master, and the commands that go over it. */
export const clientsOf = (address: string): HostProcess[] =>
  allPids()
    .flatMap(describeProcess)
    .filter(({ name, command }) => name === 'ssh' && `${command} `.includes(` -- ${address} `));

/** Resolves when their parents have heard of the end of all of them. */
export const reaped = async (processes: readonly HostProcess[]): Promise<void> => {
  await until(() => !processes.some(({ pid }) => existsSync(`/proc/${pid}`)));
};

const sockets = () =>
  ['tcp', 'tcp6']
    .flatMap((table) => readFileSync(`/proc/net/${table}`, 'utf8').trim().split('\n').slice(1))
    .map((line) => {
      const [, local = '', remote = '', state, , , , , , inode = ''] = line.trim().split(/\s+/);
      return { local, remote, state, inode };
    });

const portOf = (socket: string): number => Number.parseInt(socket.split(':')[1]!, 16);

/** The program that holds the lock of a host; its text comes in words that begin anywhere. */
export const isGuard = ({ command }: HostProcess): boolean =>
  command.replaceAll(' ', '').includes('whileread-rwordvalue');

/** Sends a signal to all of them; those that have ended already are no matter. */
export const signalProcesses = (signal: NodeJS.Signals, pids: readonly number[]): void => {
  for (const pid of pids) {
    try {
      if (pid > 1) process.kill(pid, signal);
    } catch {}
  }
};

const LISTEN = '0A';

const allPids = (): number[] => readdirSync('/proc').map(Number).filter(Number.isInteger);

const describeProcess = (pid: number): HostProcess[] => {
  const [, name = '', state = 'Z'] = read(pid, 'stat').match(/\((.*)\) (\S)/s) ?? [];
  if (state === 'Z' || state === 'X') return [];
  return [{ pid, name, command: read(pid, 'cmdline').replaceAll('\0', ' ').trim() }];
};

const parentOf = (pid: number): number | undefined => {
  const parent = read(pid, 'stat').match(/\) \S (\d+)/)?.[1];
  return parent === undefined ? undefined : Number(parent);
};

const socketsOf = (pid: number): string[] => {
  try {
    const targets = readdirSync(`/proc/${pid}/fd`).map((fd) => link(`/proc/${pid}/fd/${fd}`));
    return targets.flatMap((target) => target?.match(/^socket:\[(\d+)\]$/)?.[1] ?? []);
  } catch {
    return [];
  }
};

const read = (pid: number, file: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
};

const link = (path: string): string | undefined => {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
};
