/** One sshd of the fleet: its configuration, its namespace, its start and its end. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { inNamespace } from '../bench/swarm/namespaces.ts';
import {
  descendants,
  type HostProcess,
  inNamespaces,
  leadingTo,
  listening,
  markedWith,
  namespaceOf,
  signalProcesses,
} from './host-processes.ts';
import { findTool } from './tools.ts';
import { until } from './until.ts';

export interface HostOptions {
  readonly name?: string;
  /** PATH on the host. */
  readonly path?: string;
  /** Tools that the host shall not have: its PATH is a directory of links to all the others. */
  readonly without?: readonly string[];
  /** Channels that one connection may open, sshd's MaxSessions. @default 100 */
  readonly maxSessions?: number;
  /** Connections that have not logged in yet, sshd's MaxStartups. @default '1000:30:2000' */
  readonly maxStartups?: string;
  /** The user's password there; none is taken otherwise. Root only. */
  readonly password?: string;
  /** Size of a file system of its own for /var/www, as mount says it ('4m'): a disk that fills up. Root only. */
  readonly diskSize?: string;
  /** A network namespace that is there already, in which sshd shall run, and its address there. Root only. */
  readonly network?: { readonly namespace: string; readonly address: string };
  /** A shell text that root runs in the host's own view of the file system before sshd: `$dir` is a directory of its own, `$home` the user's. */
  readonly setUp?: string;
  /** False: no sftp subsystem; a text: the program for it. @default sshd's own */
  readonly sftp?: false | string;
  /** Text of /etc/pam.d/sshd, whose questions come as keyboard-interactive. Root only. */
  readonly pam?: string;
  /** More lines for sshd_config. */
  readonly config?: readonly string[];
}

export interface SshdHost {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** The directory that the host sees as /var/www, as this process sees it. */
  readonly files: string;
  /** Absolute path of an application, as the host sees it. */
  deployTo(app: string): string;
  /** Of the sshd that listens. */
  readonly pid: number;
  /** All that runs on the host except sshd itself and the processes that serve its sessions. */
  processes(): readonly HostProcess[];
  /** Waits until nothing runs there any more, at most so long. Returns what still does. */
  quiet(withinMs?: number): Promise<readonly HostProcess[]>;
  /** Resolves when nobody holds a connection to its sshd any more: who had one has noticed that it is over. */
  left(): Promise<void>;
  /** TCP ports that the host's processes listen on, its sshd's own port left out but not the ports that it forwards. */
  listeningPorts(): readonly number[];
  /** What sshd wrote since the start of the fleet. */
  log(): string;
  /** How often somebody has logged in by a key, by that. */
  logins(): number;
}

export interface Place {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly dir: string;
  readonly authorizedKeys: string;
}

export interface SshdControl {
  start(): Promise<void>;
  stop(): Promise<void>;
  sshdPids(): number[];
  /** Its sshd says nothing any more, and keeps its connections. Ended by `stop` and the end of the fleet. */
  freeze(): void;
  /** Resolves when the listening sshd has ended. */
  ended(): Promise<void>;
}

/** Makes the host's files; nothing runs yet. */
export const prepareHost = async (
  place: Place,
  options: HostOptions,
): Promise<{ host: SshdHost; control: SshdControl }> => {
  const { name, address, port, user, dir } = place;
  const root = process.getuid?.() === 0;
  const www = join(dir, root ? 'var-www' : 'www');
  const mark = `ROOKERY_TEST_HOST=${dir}`;
  const namespaces = new Set<string>();
  const lines: string[] = [];
  let sshd: ChildProcess | undefined;
  const pid = () => sshd?.pid ?? -1;

  await Promise.all([mkdir(www), mkdir(join(dir, 'home'))]);
  await writeFile(join(dir, 'sshd_config'), `${(await configOf(place, options, mark)).join('\n')}\n`);

  if (options.password !== undefined) {
    const hash = execFileSync('openssl', ['passwd', '-6', options.password], { encoding: 'utf8' }).trim();
    await writeFile(join(dir, 'shadow'), `${user}:${hash}:20000:0:99999:7:::\n`, { mode: 0o600 });
  }

  if (options.pam !== undefined) await writeFile(join(dir, 'pam'), options.pam);

  const all = () => (root ? inNamespaces(namespaces) : [...markedWith(mark), ...descendants(pid())]);
  const isSshd = (entry: HostProcess) => /^sshd/.test(entry.name);
  const processes = () => all().filter((entry) => !isSshd(entry));
  const host: SshdHost = {
    ...{ name, address, port, user },
    get files() {
      return options.diskSize ? `/proc/${pid()}/root/var/www` : www;
    },
    deployTo: (app) => (root ? `/var/www/${app}` : join(www, app)),
    get pid() {
      return pid();
    },
    processes,
    quiet: async (withinMs = 5000) => {
      const deadline = Date.now() + withinMs;
      while (processes().length > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
      return processes();
    },
    left: async () => {
      await until(() => leadingTo(address, port) === 0);
    },
    listeningPorts: () => listening(all().map((entry) => entry.pid)).filter((open) => open !== port),
    log: () => lines.join('\n'),
    logins: () => lines.filter((line) => line.includes('Accepted publickey')).length,
  };
  const sshdPids = () => [
    ...new Set([pid(), ...[...all(), ...descendants(pid())].filter(isSshd).map((entry) => entry.pid)]),
  ];
  const running = () => sshd !== undefined && sshd.exitCode === null && sshd.signalCode === null;
  const ended = async () => {
    if (running()) await once(sshd!, 'exit');
  };
  const start = async () => {
    if (running()) throw new Error(`${name} runs already`);
    sshd = root ? startInNamespace(place, www, options) : startPlain(place);
    await listeningLine(sshd, lines);
    const namespace = root ? namespaceOf(pid()) : undefined;
    if (namespace === undefined || namespaces.has(namespace)) return;
    namespaces.add(namespace);
    openSync(`/proc/${pid()}/ns/mnt`, 'r'); // while it is open, no other namespace gets its number, nor we others' processes
  };
  const stop = async () => {
    signalProcesses('SIGKILL', sshdPids());
    await ended();
  };
  const freeze = () => {
    signalProcesses('SIGSTOP', sshdPids());
  };
  return { host, control: { start, stop, freeze, sshdPids: () => (running() ? sshdPids() : []), ended } };
};

const configOf = async (place: Place, options: HostOptions, mark: string): Promise<string[]> => [
  `ListenAddress ${place.address}`,
  `Port ${place.port}`,
  `HostKey ${join(place.dir, 'host_key')}`,
  `AuthorizedKeysFile ${place.authorizedKeys}`,
  `MaxSessions ${options.maxSessions ?? 100}`,
  `SetEnv "PATH=${await pathOf(place, options)}" "${mark}"`,
  ...['StrictModes no', 'PidFile none'],
  ...(options.pam === undefined ? ['UsePAM no', 'KbdInteractiveAuthentication no'] : ['UsePAM yes']),
  `PasswordAuthentication ${options.password === undefined ? 'no' : 'yes'}`,
  ...['PermitRootLogin yes', `MaxStartups ${options.maxStartups ?? '1000:30:2000'}`, 'PrintMotd no'],
  ...['PrintLastLog no', 'LogLevel INFO'],
  ...(options.sftp === false ? [] : [`Subsystem sftp ${options.sftp ?? 'internal-sftp'}`]),
  ...(options.config ?? []),
];

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const pathOf = async (place: Place, { path, without }: HostOptions): Promise<string> => {
  const full = path ?? `${dirname(process.execPath)}:${DEFAULT_PATH}`;
  if (!without) return full;
  const bin = join(place.dir, 'bin');
  await mkdir(bin);
  const taken = new Set(without);
  for (const from of full.split(':')) {
    for (const name of await readdir(from).catch(() => [])) {
      if (taken.has(name)) continue;
      taken.add(name);
      await symlink(join(from, name), join(bin, name));
    }
  }
  return bin;
};

const startPlain = ({ dir }: Place): ChildProcess =>
  spawn(findTool('sshd')!, ['-D', '-e', '-f', join(dir, 'sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] });

/** An empty home hides the user's own shell start-up files, which may be slow; unless `node` itself lives there. */
const startInNamespace = (
  { dir }: Place,
  www: string,
  { diskSize, network, setUp: more = '' }: HostOptions,
): ChildProcess => {
  const home = userInfo().homedir;
  const hideHome = !process.execPath.startsWith(`${home}/`) && !dir.startsWith(`${home}/`);
  const setUp = [
    'set -e',
    'mkdir -p /var/www /run/sshd',
    ...(hideHome ? ['mount --bind "$dir/home" "$home"'] : []),
    diskSize ? 'mount -t tmpfs -o "size=$size" tmpfs /var/www' : 'mount --bind "$www" /var/www',
    more,
    '[ ! -e "$dir/shadow" ] || mount --bind "$dir/shadow" /etc/shadow',
    '[ ! -e "$dir/pam" ] || mount --bind "$dir/pam" /etc/pam.d/sshd',
    'exec "$sshd" -D -e -f "$dir/sshd_config"',
  ];
  const env = { PATH: DEFAULT_PATH, dir, www, home, size: diskSize ?? '', sshd: findTool('sshd')! };
  const command = ['unshare', '--mount', '--propagation', 'private', '/bin/sh', '-c', setUp.join('\n')];
  const [program, ...args] = network ? inNamespace(network.namespace, command) : command;
  return spawn(program!, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
};

/** Resolves at sshd's own word that it listens, and goes on collecting what it says. */
const listeningLine = (sshd: ChildProcess, lines: string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    createInterface({ input: sshd.stderr! }).on('line', (line) => {
      lines.push(line);
      if (line.startsWith('Server listening')) resolve();
    });
    sshd.once('error', reject);
    sshd.once('exit', () => reject(new Error(`${basename(sshd.spawnfile)} ended: ${lines.join('; ')}`)));
  });
