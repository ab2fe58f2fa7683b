/**
 * A fleet of real OpenSSH servers on loopback addresses. For root each has a mount namespace of its own, in which
 * /var/www is a directory of this host alone, so that the very same path is another place on every host, as in life;
 * and whatever runs in that namespace belongs to that host, however it was detached. For other users each host has
 * a directory of its own instead, and what belongs to it is told by a variable in its environment.
 */
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, loopbackNet } from './free-address.ts';
import { signalProcesses } from './host-processes.ts';
import { type HostOptions, prepareHost, type SshdHost } from './sshd-host.ts';
import { makeTempDir, removeTempDir } from './temp-dir.ts';
import { findTool } from './tools.ts';

export type { HostOptions, SshdHost };

export interface FleetOptions extends HostOptions {
  /** Number of hosts, all with the options given here; or the hosts one by one, with their own. */
  readonly hosts: number | readonly HostOptions[];
}

export interface SshdFleet {
  readonly hosts: readonly SshdHost[];
  readonly user: string;
  /** Private key that logs in everywhere. */
  readonly identityFile: string;
  /** The hosts' keys as they were at the start. */
  readonly knownHostsFile: string;
  /** Directory of the fleet, for whatever a test wants to keep there. */
  readonly dir: string;
  /** Options for `ssh`, `sftp` and `scp` besides port and address. */
  readonly sshOptions: readonly string[];
  /** Runs a command by the `ssh` client; rejects unless it ends with 0. */
  ssh(host: SshdHost, command: string): Promise<{ readonly stdout: string; readonly stderr: string }>;
  /** Restarts the host's sshd with another host key; known_hosts stays as it was. */
  rekey(host: SshdHost): Promise<void>;
  /** Ends the host's sshd and breaks its connections; other processes go on. */
  stop(host: SshdHost): Promise<void>;
  /** Its sshd says nothing any more, and keeps its connections, until it is stopped. */
  freeze(host: SshdHost): void;
  /** Starts it again, on the same address, with the same key. */
  start(host: SshdHost): Promise<void>;
  /** Ends all that ever ran on the hosts and removes their directories. */
  close(): Promise<void>;
}

/** Tools without which there is no fleet: for `needs(...SSHD_TOOLS)`. */
export const SSHD_TOOLS = ['sshd', 'ssh', 'ssh-keygen', ...(isRoot() ? ['unshare', 'mount'] : [])] as const;

/** Starts the hosts, named host1, host2, ... unless their options say otherwise. All listen on the same port. */
export const startSshdFleet = async ({ hosts: wanted, ...common }: FleetOptions): Promise<SshdFleet> => {
  const list = typeof wanted === 'number' ? Array.from({ length: wanted }, (): HostOptions => ({})) : wanted;
  const dir = await makeTempDir('sshd');
  const identityFile = join(dir, 'id_ed25519');
  const knownHostsFile = join(dir, 'known_hosts');
  const user = userInfo().username;
  await makeKey(identityFile);

  const net = loopbackNet();
  const addresses = list.map(({ network }, index) => network?.address ?? `${net}.${index + 1}`);
  const port = list.some(({ network }) => network) ? PORT : await freePort(addresses);
  const hosts = await Promise.all(
    list.map(async (options, index) => {
      const name = options.name ?? common.name ?? `host${index + 1}`;
      const hostDir = join(dir, name);
      await mkdir(hostDir);
      await makeKey(join(hostDir, 'host_key'));
      const place = {
        name,
        address: addresses[index]!,
        port,
        user,
        dir: hostDir,
        authorizedKeys: `${identityFile}.pub`,
      };
      return prepareHost(place, { ...common, ...options });
    }),
  );
  const close = async () => {
    for (const { host, control } of hosts)
      signalProcesses('SIGKILL', [...control.sshdPids(), ...host.processes().map((p) => p.pid)]);
    await Promise.all(hosts.map(({ control }) => control.ended()));
    await removeTempDir(dir);
  };
  const controlOf = (host: SshdHost) => hosts.find((entry) => entry.host === host)!.control;
  await Promise.all(hosts.map(({ control }) => control.start())).catch(async (error) => {
    await close();
    throw error;
  });
  await writeFile(knownHostsFile, (await Promise.all(hosts.map(({ host }) => knownHostsLine(dir, host)))).join(''));

  const sshOptions = [
    ...['-F', 'none', '-i', identityFile, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'],
    ...['-o', `UserKnownHostsFile=${knownHostsFile}`, '-o', 'StrictHostKeyChecking=yes'],
  ];
  return {
    hosts: hosts.map(({ host }) => host),
    ...{ user, identityFile, knownHostsFile, dir, sshOptions, close },
    ssh: (host, command) =>
      promisify(execFile)('ssh', [...sshOptions, '-p', String(port), `${user}@${host.address}`, command]),
    rekey: async (host) => {
      await controlOf(host).stop();
      await makeKey(join(dir, host.name, 'host_key'));
      await controlOf(host).start();
    },
    stop: (host) => controlOf(host).stop(),
    freeze: (host) => controlOf(host).freeze(),
    start: (host) => controlOf(host).start(),
  };
};

/** In networks of their own, where every port is free. */
const PORT = 2222;

/** Whether hosts get file systems of their own. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

const makeKey = async (file: string): Promise<void> => {
  await Promise.all([rm(file, { force: true }), rm(`${file}.pub`, { force: true })]);
  await promisify(execFile)(findTool('ssh-keygen') ?? 'ssh-keygen', [
    '-q',
    '-t',
    'ed25519',
    '-N',
    '',
    '-C',
    'test',
    '-f',
    file,
  ]);
};

const knownHostsLine = async (dir: string, { name, address, port }: SshdHost): Promise<string> => {
  const [type, key] = (await readFile(join(dir, name, 'host_key.pub'), 'utf8')).split(' ');
  return `[${address}]:${port} ${type} ${key}\n`;
};
