import { readFile } from 'node:fs/promises';
import type ssh2 from 'ssh2';
import parser from 'ssh2/lib/protocol/keyParser.js';
import type { Ask } from '#recipe/setting.ts';

/** A private key file, as far as it can be read. */
export type KeyFile =
  | { readonly state: 'ready'; readonly key: ssh2.ParsedKey; readonly publicKey: Buffer | undefined }
  | { readonly state: 'locked'; readonly text: string; readonly publicKey: Buffer | undefined }
  | { readonly state: 'missing' | 'unreadable' | 'public' | 'invalid'; readonly why: string };

/** What a run knows of keys and passwords: each is read once and asked for once, whatever the number of hosts. */
export interface Secrets {
  readonly ask: Ask | undefined;
  /** To be waited for before a login that may come to ask: no host is kept waiting for it. */
  readonly mayAsk: Promise<unknown>;
  read(file: string): Promise<KeyFile>;
  /** The key of a locked file; undefined where nobody gives its passphrase. */
  unlock(file: string, text: string): Promise<ssh2.ParsedKey | undefined>;
  password(user: string): Promise<string | undefined>;
  /** What a host wants to know beyond that: asked each time. */
  question(text: string, hidden: boolean): Promise<string | undefined>;
  /** Whether such a question was asked. */
  readonly hasAsked: boolean;
  /** From now on what was given before is known, and nobody is asked for more. */
  askNoMore(): void;
}

/** What to do about a locked one that nobody can be asked for. */
export const isEncrypted = (file: string): string =>
  `${file} is encrypted: add it to your SSH agent (ssh-add ${file}) and run this again`;

/** @param ask absent where nobody is there to be asked */
export const makeSecrets = (ask: Ask | undefined, mayAsk: Promise<unknown> = Promise.resolve()): Secrets => {
  const files = new Map<string, Promise<KeyFile>>();
  const unlocked = new Map<string, Promise<ssh2.ParsedKey | undefined>>();
  const passwords = new Map<string, Promise<string | undefined>>();
  let asking = ask;
  let questions = 0;
  const askHidden = (question: string, hidden = true) => asking?.(question, { hidden }).catch(() => undefined);
  return {
    ask,
    mayAsk,
    read: (file) => remember(files, file, () => readKeyFile(file)),
    unlock: (file, text) =>
      remember(unlocked, file, async () => {
        for (let tries = 0; tries < MAX_TRIES; tries += 1) {
          const again = tries === 0 ? '' : 'That was not it. ';
          const passphrase = await askHidden(`${again}Passphrase of the key ${file}`);
          if (!passphrase) return undefined;
          const key = parser.parseKey(text, passphrase);
          if (!(key instanceof Error)) return key;
        }
        return undefined;
      }),
    password: (user) => remember(passwords, user, async () => await askHidden(`Password of ${user} on the hosts`)),
    question: async (text, hidden) => {
      questions += 1;
      return askHidden(text, hidden);
    },
    get hasAsked() {
      return questions > 0;
    },
    askNoMore: () => {
      asking = undefined;
    },
  };
};

const MAX_TRIES = 3;

const remember = <T>(known: Map<string, Promise<T>>, name: string, find: () => Promise<T>): Promise<T> => {
  const found = known.get(name) ?? find();
  known.set(name, found);
  return found;
};

const readKeyFile = async (file: string): Promise<KeyFile> => {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return missing ? { state: 'missing', why: 'does not exist' } : { state: 'unreadable', why: 'cannot be read' };
  }
  const key = parser.parseKey(text);
  if (!(key instanceof Error)) {
    if (key.isPrivateKey()) return { state: 'ready', key, publicKey: key.getPublicSSH() };
    return { state: 'public', why: 'is the public half of a key: ssh.identityFile names the private one' };
  }
  if (/encrypted/i.test(key.message)) return { state: 'locked', text, publicKey: await publicHalf(file) };
  return { state: 'invalid', why: `is not a private key that can be used: ${key.message}` };
};

/** What stands beside a private key, for finding it in the agent. */
const publicHalf = async (file: string): Promise<Buffer | undefined> => {
  const text = await readFile(`${file}.pub`, 'utf8').catch(() => '');
  const key = parser.parseKey(text);
  return key instanceof Error ? undefined : key.getPublicSSH();
};
