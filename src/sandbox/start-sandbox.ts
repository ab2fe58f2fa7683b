/**
 * A fleet of SSH hosts inside this process, so that a deploy can be tried with nothing installed and no root rights.
 * Each host is a directory: its commands start there and have it as HOME, and it is kept between runs, so that a later
 * run finds the releases of an earlier one. Only the keys and the ports are made anew at each start.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { type RunningHost, startHost } from './host.ts';

export interface SandboxOptions {
  /** What the hosts' names begin with: `sandbox` gives sandbox01, sandbox02, ... */
  readonly name: string;
  /** Number of hosts. */
  readonly count: number;
  /** Absolute directory of the fleet; made if it is missing. */
  readonly root: string;
  /** Environment of remote commands besides HOME, USER and the like. PATH should lead to `node`. */
  readonly env: { readonly PATH: string };
}

export interface SandboxHost {
  readonly name: string;
  readonly address: '127.0.0.1';
  readonly port: number;
  /** The only user that may log in, and only with the key in `identityFile`. */
  readonly user: string;
  /** Absolute: HOME of the host and the directory where its commands start. */
  readonly root: string;
  readonly identityFile: string;
  readonly knownHostsFile: string;
}

export interface Sandbox {
  readonly hosts: readonly SandboxHost[];
  /** Ends listeners and connections. What commands left in the background goes on, as on any host. */
  close(): Promise<void>;
}

/** Starts the hosts and writes `id_ed25519` and `known_hosts` into the root. */
export const startSandbox = async ({ name, count, root, env }: SandboxOptions): Promise<Sandbox> => {
  const userKey = makeKey();
  const names = hostNames(name, count);
  const files = { identityFile: join(root, 'id_ed25519'), knownHostsFile: join(root, 'known_hosts') };
  await Promise.all(names.map((host) => mkdir(join(root, host), { recursive: true })));

  const started = await Promise.allSettled(
    names.map((host) =>
      startHost({ hostKey: makeKey(), userKey: userKey.public, user: USER, root: join(root, host), env }),
    ),
  );
  const running = started.filter((outcome) => outcome.status === 'fulfilled').map((outcome) => outcome.value);
  const close = async () => void (await Promise.all(running.map((host) => host.close())));
  try {
    const failed = started.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
    await writeAnew(join(root, '.gitignore'), '*\n', 0o644); // keys and releases are nothing to commit
    await writeAnew(files.identityFile, userKey.private, 0o600);
    await writeAnew(files.knownHostsFile, running.map(knownHostsLine).join(''), 0o644);
  } catch (error) {
    await close();
    throw error;
  }
  const hosts = names.map((host, index): SandboxHost => {
    return {
      name: host,
      address: '127.0.0.1',
      port: running[index]!.port,
      user: USER,
      root: join(root, host),
      ...files,
    };
  });
  return { hosts, close };
};

const USER = 'deploy';

/** One key in 256 has a public half that begins with a zero, which ssh2 drops: such a key is no key, and is made again. */
const makeKey = (): { readonly private: string; readonly public: string } => {
  const key = ssh2.utils.generateKeyPairSync('ed25519', { comment: 'rookery sandbox' });
  return ssh2.utils.parseKey(key.private) instanceof Error ? makeKey() : key;
};

const hostNames = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${name}${String(index + 1).padStart(2, '0')}`);

const knownHostsLine = ({ port, publicKey }: RunningHost): string =>
  `[127.0.0.1]:${port} ${publicKey.split(' ').slice(0, 2).join(' ')}\n`;

/** A file that is already there would keep its old mode. */
const writeAnew = async (file: string, text: string, mode: number): Promise<void> => {
  await rm(file, { force: true });
  await writeFile(file, text, { mode, flag: 'wx' });
};
