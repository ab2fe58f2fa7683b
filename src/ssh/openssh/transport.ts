import { access, mkdir, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import type { Host, Target } from '#inventory/host.ts';
import { ConnectFailed } from '#ssh/connect-failed.ts';
import { isEncrypted, type Secrets } from '#ssh/keys.ts';
import type { Link } from '#ssh/link.ts';
import { makePace } from '#ssh/pace.ts';
import type { Transport } from '#ssh/transport.ts';
import { makeWays } from '#ssh/ways.ts';
import { openAskpass } from './askpass.ts';
import { execOver } from './exec.ts';
import { forwardOver } from './forwarding.ts';
import { startKeeper } from './keeper.ts';
import { type Master, startMaster } from './master.ts';
import { sshVersion } from './program.ts';
import { makeQuestions } from './questions.ts';

export interface OpenSshParts {
  readonly secrets: Secrets;
  /** As in ssh.configFile: absent: ssh's own; empty: none. */
  readonly configFile: readonly string[] | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** PATH with the Node that runs us first. */
  readonly path: string;
  readonly notify: (text: string) => void;
}

/** The transport that leaves SSH to this machine's `ssh`: a control master a host, and a client of it for every command. @throws UserError where there is no `ssh` that will do */
export const openSshTransport = async (parts: OpenSshParts): Promise<Transport> => {
  await sshVersion();
  const keeper = await startKeeper();
  const askpass = await openAskpass(keeper.directory, parts.path);
  const questions = makeQuestions(parts.secrets.ask);
  const configWords = await configWordsFor(parts.configFile ?? configOfHome(parts.env.HOME), keeper.directory);
  const pace = makePace();
  let masters = 0;
  const logInTo = async (target: Target, via: Master | undefined, signal: AbortSignal): Promise<Master> => {
    await refuseUseless(target, parts.secrets);
    await makeRoom(target);
    const asks = parts.secrets.ask !== undefined && !target.ssh.batch;
    if (asks) await parts.secrets.mayAsk;
    return pace(target, signal, async () => {
      masters += 1;
      const socket = join(keeper.directory, `${masters}`);
      const options = { target, socket, configWords, via: via?.socket, asks };
      try {
        return await startMaster(options, { ...parts, keeper, askpass, questions }, signal);
      } catch (error) {
        throw await withCauses(error as ConnectFailed, target, via, parts.secrets);
      }
    });
  };
  const ways = makeWays(logInTo, ({ gone }) => gone);
  return {
    askNoMore: questions.askNoMore,
    connect: async (host, signal) => linkOf(host, await ways.connect(host, signal)),
    close: async () => {
      for (const master of await ways.entered()) await master.end();
      askpass.close();
      await keeper.close();
    },
  };
};

const linkOf = (host: Host, { socket, gone, end }: Master): Link => {
  const { alias, forwardedAgent } = host.ssh;
  const way = { socket, alias, gone, forwardAgent: forwardedAgent !== undefined };
  const { forward, close } = forwardOver(host.name, way);
  return {
    addresses: { local: '', remote: '' },
    gone,
    exec: (text) => execOver(way, text),
    forward,
    close: async () => {
      close();
      await end();
    },
  };
};

/** ssh looks for its files where the password file has the home directory; whoever has said otherwise means it. */
const configOfHome = (home: string | undefined): readonly string[] | undefined =>
  home === undefined || home === userInfo().homedir ? undefined : [join(home, '.ssh/config'), '/etc/ssh/ssh_config'];

/** Several files become one that includes them. */
const configWordsFor = async (files: readonly string[] | undefined, directory: string): Promise<string[]> => {
  if (files === undefined) return [];
  const [only = 'none', ...more] = files;
  if (more.length === 0) return ['-F', only];
  const path = join(directory, 'config');
  await writeFile(path, files.map((file) => `Include "${file}"\n`).join(''));
  return ['-F', path];
};

/** What deploy.config.ts names has to be there; ssh would say nothing of it. */
const refuseUseless = async ({ name, ssh }: Target, { read }: Secrets): Promise<void> => {
  if (!ssh.identityChosen) return;
  for (const file of ssh.identityFiles) {
    const missing = await access(file).then(
      () => false,
      () => true,
    );
    if (missing) throw new ConnectFailed('auth', `the key file ${file} does not exist (ssh.identityFile, for ${name})`);
    const found = await read(file);
    const foreign = found.state === 'invalid' && /unsupported key format/i.test(found.why); // of others ssh knows more than we
    if (found.state === 'public' || foreign) throw new ConnectFailed('auth', `${file} ${found.why}`);
  }
};

/** For the file that a new host key is written to: ssh itself makes no directory but ~/.ssh. */
const makeRoom = async ({ ssh }: Target): Promise<void> => {
  const [file] = ssh.knownHostsFiles;
  if (ssh.hostKeyChecking !== 'accept-new' || file === undefined) return;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 }).catch(() => {}); // ssh says that it could not write
};

/** What others know of why a login failed: the host on the way, and the key file that nobody was asked for. */
const withCauses = async (
  error: ConnectFailed,
  target: Target,
  via: Master | undefined,
  secrets: Secrets,
): Promise<ConnectFailed> => {
  const { ssh } = target;
  if (error.code === 'connect' && ssh.via && via?.isGone()) {
    const why = `the connection to ${ssh.via.name} was lost`;
    return new ConnectFailed('connect', `cannot reach ${target.name} through ${ssh.via.name}: ${why}`);
  }
  const refused = via?.said().match(/open failed: (?:connect failed: )?([^\r\n]*)\s*$/)?.[1];
  // what the gate says last is of this host only where its ssh says that the gate refused
  if (/stdio forwarding request failed/i.test(error.message) && ssh.via && refused !== undefined) {
    const why = /prohibited/.test(refused)
      ? `${ssh.via.name} does not allow it: AllowTcpForwarding or PermitOpen in its sshd_config`
      : refused;
    return new ConnectFailed('connect', `cannot reach ${target.name} through ${ssh.via.name}: ${why}`);
  }
  if (error.code !== 'auth' || !ssh.identityChosen || secrets.ask !== undefined) return error;
  for (const file of ssh.identityFiles)
    if ((await secrets.read(file)).state === 'locked')
      return new ConnectFailed('auth', `${error.message}; ${isEncrypted(file)}`);
  return error;
};
