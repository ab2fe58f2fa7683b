import type { AuthenticationType, ParsedKey } from 'ssh2';
import type { Target } from '#inventory/host.ts';
import { ChosenAgent, keysOfAgent } from './agent.ts';
import { beyondUs, WITH_OPENSSH } from './beyond.ts';
import { ConnectFailed } from './connect-failed.ts';
import { isEncrypted, type KeyFile, type Secrets } from './keys.ts';
import { answerPrompts } from './prompts.ts';
import type { Turns } from './turns.ts';

export type AuthMethod = { type: AuthenticationType; username: string } & Record<string, unknown> & {
    again?: () => boolean;
  };

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
  turns: Turns,
  attempt: (credentials: Credentials) => Promise<T>,
): Promise<T> => {
  const found = await findKeys(target, secrets);
  const asks = secrets.ask !== undefined && !target.ssh.batch;
  let denied: ConnectFailed | undefined;
  let accepted: Credentials = NONE; // in part: the host wants something more after them
  const tried = async (credentials: Credentials): Promise<T | undefined> => {
    if (credentials.methods.length === 0) return undefined;
    try {
      return await attempt(credentials);
    } catch (error) {
      if (!(error instanceof ConnectFailed) || error.code !== 'auth') throw error;
      denied = error;
      if (error.partly) accepted = credentials;
      return undefined;
    }
  };
  const byKey = await tried(found.ready);
  if (byKey !== undefined) return byKey;
  if (asks) {
    await secrets.mayAsk;
    const byLocked = await tried(await unlock(target, secrets, found.locked));
    if (byLocked !== undefined) return byLocked;
    const types = typesLeft(target, denied);
    const login = async (): Promise<T | undefined> => {
      const prompts = answerPrompts(target, secrets);
      const byAnswers = types.includes('keyboard-interactive')
        ? await tried(followed(accepted, { type: 'keyboard-interactive', username: target.user, ...prompts }, ANSWERS))
        : undefined;
      if (byAnswers !== undefined || !types.includes('password') || prompts.gavePassword()) return byAnswers;
      const password = await secrets.password(target.user);
      if (password === undefined) return undefined;
      return tried(followed(accepted, { type: 'password', username: target.user, password }, 'a password'));
    };
    const byPassword = types.length === 0 ? undefined : await turns(target.ssh.via?.name ?? '', login);
    if (byPassword !== undefined) return byPassword;
  }
  const failed = denied === undefined ? noKey(target, found.locked) : asks ? denied : unasked(denied, found.locked);
  throw await withBeyond(failed, target);
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
    named
      ? `the key file ${file} ${found.why} (ssh.identityFile, for ${host})`
      : `${file} ${found.why}${/\bsk-/.test(found.why) ? `; ${WITH_OPENSSH}` : ''}`,
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

type Asked = 'password' | 'keyboard-interactive';

/** What a person may answer, in the order of OpenSSH: where the host takes it, or where we have nothing else. */
const typesLeft = ({ ssh }: Target, denied: ConnectFailed | undefined): Asked[] =>
  (['keyboard-interactive', 'password'] as const).filter(
    (type) => !ssh.without.includes(type) && (denied === undefined || denied.methodsLeft.includes(type)),
  );

/** One more way to log in, after what was accepted before. */
const followed = ({ methods, offered }: Credentials, method: AuthMethod, words: string): Credentials => ({
  methods: [...methods, method],
  offered: [...offered, words],
});

const ANSWERS = 'answers to its questions';

const NONE: Credentials = { methods: [], offered: [] };

/** Nobody was there to be asked: for what the host wants beside a key, or for a passphrase of a key that may be the one that fits. */
const unasked = (denied: ConnectFailed, [locked]: readonly Locked[]): ConnectFailed => {
  const { message, partly, methodsLeft } = denied;
  if (partly)
    return new ConnectFailed(
      'auth',
      `${message}; the key was accepted, but the host wants ${methodsLeft.join(' or ')} as well, and there is no terminal to ask at`,
    );
  return locked === undefined
    ? denied
    : new ConnectFailed('auth', `${message}; not offered: ${locked.file}, which is encrypted (ssh-add ${locked.file})`);
};

/** So may one that we cannot offer. */
const withBeyond = async (denied: ConnectFailed, target: Target): Promise<ConnectFailed> => {
  const beyond = await beyondUs(target);
  return beyond === undefined
    ? denied
    : new ConnectFailed('auth', `${denied.message}; not offered: ${beyond}: ${WITH_OPENSSH}`);
};

const noKey = ({ user, ssh }: Target, [locked]: readonly Locked[]): ConnectFailed =>
  locked
    ? new ConnectFailed('auth', isEncrypted(locked.file))
    : new ConnectFailed(
        'auth',
        `there is no key to log in with as ${user}: no SSH agent, and none of ${ssh.identityFiles.join(', ')} exists; set ssh.identityFile`,
      );
