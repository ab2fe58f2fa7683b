import type { AuthenticationType, ParsedKey, Prompt } from 'ssh2';
import type { Target } from '#inventory/host.ts';
import { ChosenAgent, keysOfAgent } from './agent.ts';
import { ConnectFailed } from './connect-failed.ts';
import type { KeyFile, Secrets } from './keys.ts';

export type AuthMethod = { type: AuthenticationType; username: string } & Record<string, unknown>;

export interface Credentials {
  readonly methods: readonly AuthMethod[];
  /** What was offered, in words for "permission denied". */
  readonly offered: readonly string[];
}

/**
 * Logs in with what is at hand: keys of the agent and key files. Only when these do not suffice, and somebody is there,
 * for locked keys and at last for a password. Each time it is another connection: nobody types within sshd's patience.
 * @throws ConnectFailed, at once for a file that deploy.config.ts names and that is no private key
 */
export const tryCredentials = async <T>(
  target: Target,
  secrets: Secrets,
  attempt: (credentials: Credentials) => Promise<T>,
): Promise<T> => {
  const found = await findKeys(target, secrets);
  const mayAsk = secrets.ask !== undefined && !target.ssh.batch;
  let denied: ConnectFailed | undefined;
  const tried = async (credentials: Credentials): Promise<T | undefined> => {
    if (credentials.methods.length === 0) return undefined;
    try {
      return await attempt(credentials);
    } catch (error) {
      if (!(error instanceof ConnectFailed) || error.code !== 'auth') throw error;
      denied = error;
      return undefined;
    }
  };
  const byKey = await tried(found.ready);
  if (byKey !== undefined) return byKey;
  if (mayAsk) {
    const byLocked = await tried(await unlock(target, secrets, found.locked));
    if (byLocked !== undefined) return byLocked;
    const byPassword = await tried(await askPassword(target, secrets, denied));
    if (byPassword !== undefined) return byPassword;
  }
  throw denied ? withLocked(denied, found.locked, mayAsk) : noKey(target, found.locked);
};

interface Locked {
  readonly file: string;
  readonly text: string;
}

const findKeys = async (target: Target, secrets: Secrets): Promise<{ ready: Credentials; locked: Locked[] }> => {
  const { ssh, user } = target;
  if (ssh.without.includes('publickey')) return { ready: { methods: [], offered: [] }, locked: [] };
  const files = await Promise.all(ssh.identityFiles.map(async (file) => ({ file, found: await secrets.read(file) })));
  if (ssh.identityChosen) for (const { file, found } of files) refuseUseless(file, found, target.name);

  const publicKeys = files.flatMap(({ found }) => ('publicKey' in found && found.publicKey ? [found.publicKey] : []));
  const only = ssh.identityChosen || ssh.identitiesOnly;
  const locked = files.flatMap(({ file, found }) => (found.state === 'locked' ? [{ file, ...found }] : []));
  const held = ssh.agent !== undefined && locked.length > 0 ? await keysOfAgent(ssh.agent) : [];
  const isHeld = (key: Buffer | undefined) => key !== undefined && held.some((other) => other.equals(key));
  const plain = files.flatMap(({ file, found }) => (found.state === 'ready' ? [{ file, key: found.key }] : []));
  const useful = !only || plain.length > 0 || locked.some(({ publicKey }) => isHeld(publicKey));
  const agent = useful && (!only || publicKeys.length > 0) ? ssh.agent : undefined;
  return {
    ready: {
      methods: [
        ...(agent === undefined
          ? []
          : [{ type: 'agent' as const, username: user, agent: new ChosenAgent(agent, publicKeys, only) }]),
        ...plain.map(({ key }) => byKey(user, key)),
      ],
      offered: [
        ...(agent === undefined || only ? [] : ['the keys of the SSH agent']),
        ...locked.filter(({ publicKey }) => isHeld(publicKey)).map(({ file }) => `${file} (by the SSH agent)`),
        ...plain.map(({ file }) => file),
      ],
    },
    locked: locked.filter(({ publicKey }) => !isHeld(publicKey)),
  };
};

const byKey = (username: string, key: ParsedKey): AuthMethod => ({ type: 'publickey', username, key });

/** What deploy.config.ts names has to be there and to be a key. */
const refuseUseless = (file: string, found: KeyFile, host: string): void => {
  if (!('why' in found)) return;
  const named = found.state === 'missing' || found.state === 'unreadable';
  throw new ConnectFailed(
    'auth',
    named ? `the key file ${file} ${found.why} (ssh.identityFile, for ${host})` : `${file} ${found.why}`,
  );
};

const unlock = async ({ user }: Target, secrets: Secrets, locked: readonly Locked[]): Promise<Credentials> => {
  const methods: AuthMethod[] = [];
  for (const { file, text } of locked) {
    const key = await secrets.unlock(file, text);
    if (key) methods.push(byKey(user, key));
  }
  return { methods, offered: locked.map(({ file }) => file) };
};

/** Asked for where the host takes one, or where we have nothing else; the same for all hosts of that user. */
const askPassword = async (
  { user, ssh }: Target,
  secrets: Secrets,
  denied: ConnectFailed | undefined,
): Promise<Credentials> => {
  const types = (['password', 'keyboard-interactive'] as const).filter(
    (type) => !ssh.without.includes(type) && (denied === undefined || denied.methodsLeft.includes(type)),
  );
  const password = types.length === 0 ? undefined : await secrets.password(user);
  if (password === undefined) return { methods: [], offered: [] };
  const prompt = (_: string, __: string, ___: string, prompts: Prompt[], finish: (answers: string[]) => void) =>
    finish(prompts.map(() => password));
  return {
    methods: types.map((type) =>
      type === 'password' ? { type, username: user, password } : { type, username: user, prompt },
    ),
    offered: [...(denied?.offered ?? []), 'a password'],
  };
};

/** A key that nobody was asked for may be the one that fits. */
const withLocked = (denied: ConnectFailed, [locked]: readonly Locked[], asked: boolean): ConnectFailed =>
  locked === undefined || asked
    ? denied
    : new ConnectFailed(
        'auth',
        `${denied.message}; not offered: ${locked.file}, which is encrypted (ssh-add ${locked.file})`,
      );

const noKey = ({ user, ssh }: Target, [locked]: readonly Locked[]): ConnectFailed =>
  locked
    ? new ConnectFailed(
        'auth',
        `${locked.file} is encrypted: add it to your SSH agent (ssh-add ${locked.file}) and run this again`,
      )
    : new ConnectFailed(
        'auth',
        `there is no key to log in with as ${user}: no SSH agent, and none of ${ssh.identityFiles.join(', ')} exists; set ssh.identityFile`,
      );
