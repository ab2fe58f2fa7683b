import { readFile } from 'node:fs/promises';
import type { AuthenticationType } from 'ssh2';
import ssh2 from 'ssh2';
import type { Target } from '#inventory/host.ts';
import { ConnectFailed } from './connect-failed.ts';

export type AuthMethod = { type: AuthenticationType; username: string } & Record<string, unknown>;

export interface Credentials {
  readonly methods: readonly AuthMethod[];
  /** What was offered, in words for "permission denied". */
  readonly offered: readonly string[];
}

/**
 * What to log in with: the named key files alone, or else the agent and then the usual key files that exist.
 * @throws ConnectFailed for a named file that is missing, unreadable, no private key, or encrypted.
 */
export const readCredentials = async ({ ssh, user, name }: Target): Promise<Credentials> => {
  const methods: AuthMethod[] = [];
  const offered: string[] = [];
  if (ssh.agent !== undefined && !ssh.identityChosen && !ssh.identitiesOnly) {
    methods.push({ type: 'agent', username: user, agent: ssh.agent });
    offered.push('the keys of the SSH agent');
  }
  for (const file of ssh.identityFiles) {
    const key = await readKey(file, name, ssh.identityChosen, ssh.agent !== undefined);
    if (key === 'use-agent') methods.push({ type: 'agent', username: user, agent: ssh.agent });
    else if (key !== undefined) methods.push({ type: 'publickey', username: user, key });
    if (key !== undefined) offered.push(file);
  }
  if (methods.length > 0) return { methods, offered };
  throw new ConnectFailed(
    'auth',
    `there is no key to log in with as ${user}: no SSH agent, and none of ${ssh.identityFiles.join(', ')} exists; set ssh.identityFile`,
  );
};

/** The key's text; `use-agent` for an encrypted key that the agent may hold; undefined for a default file that is not usable. */
const readKey = async (
  file: string,
  host: string,
  chosen: boolean,
  agent: boolean,
): Promise<string | 'use-agent' | undefined> => {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (!chosen) return undefined;
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new ConnectFailed(
      'auth',
      `the key file ${file} ${missing ? 'does not exist' : 'cannot be read'} (ssh.identityFile, for ${host})`,
    );
  }
  const parsed = ssh2.utils.parseKey(text);
  if (!(parsed instanceof Error) && parsed.isPrivateKey()) return text;
  if (!chosen) return undefined;
  if (!(parsed instanceof Error))
    throw new ConnectFailed('auth', `${file} is the public half of a key: ssh.identityFile names the private one`);
  if (!/encrypted/i.test(parsed.message))
    throw new ConnectFailed('auth', `${file} is not a private key that can be used: ${parsed.message}`);
  if (agent) return 'use-agent';
  throw new ConnectFailed(
    'auth',
    `${file} is encrypted: add it to your SSH agent (ssh-add ${file}) and run this again`,
  );
};
