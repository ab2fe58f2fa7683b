import { createHash } from 'node:crypto';
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Target } from '#inventory/host.ts';
import { ConnectFailed } from './connect-failed.ts';
import {
  type HostKeyVerdict,
  judgeHostKey,
  type KnownKey,
  keyTypeOf,
  knownHostsLine,
  knownKeys,
  lookupName,
} from './known-hosts.ts';

/** The keys that the user's known_hosts files hold for a host; files that do not exist hold none. */
export const readKnownKeys = async (target: Target): Promise<KnownKey[]> => {
  const files = await Promise.all(
    target.ssh.knownHostsFiles.map(async (path) => ({ path, text: await readFile(path, 'utf8').catch(() => '') })),
  );
  return knownKeys(files, nameOf(target));
};

/** Undefined for a key that is known, or new where new ones are accepted; otherwise why it is refused, in OpenSSH's words. */
export const judgeKey = async (
  target: Target,
  known: readonly KnownKey[],
  key: Buffer,
): Promise<ConnectFailed | undefined> => {
  const verdict = judgeHostKey(known, keyTypeOf(key), key.toString('base64'));
  if (verdict === 'known') return undefined;
  const { hostKeyChecking, knownHostsFiles } = target.ssh;
  const isNew = verdict === 'unknown' && !known.some(({ revoked, authority }) => !revoked && !authority); // another type is no proof of a host that is known
  const [file] = knownHostsFiles;
  if (isNew && hostKeyChecking === 'accept-new' && file !== undefined) return remember(target, file, key);
  return new ConnectFailed('host-key', explain(target, known, key, verdict));
};

/** Adds a key to known_hosts, as OpenSSH does before anybody logs in. */
const remember = async (target: Target, file: string, key: Buffer): Promise<ConnectFailed | undefined> => {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await appendFile(file, knownHostsLine(nameOf(target), key, target.ssh.hashKnownHosts), { mode: 0o600 });
    return undefined;
  } catch (error) {
    const why = `the host key of ${nameOf(target)} is new, but cannot be added to ${file}`;
    return new ConnectFailed('host-key', `${why}: ${(error as Error).message}`);
  }
};

const explain = (
  target: Target,
  known: readonly KnownKey[],
  key: Buffer,
  verdict: Exclude<HostKeyVerdict, 'known'>,
): string => {
  const type = keyTypeOf(key);
  const name = nameOf(target);
  const file = target.ssh.knownHostsFiles[0] ?? '~/.ssh/known_hosts';
  const fingerprint = `${type} SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
  const line = known.find((entry) => entry.type === type && !entry.authority);
  const where = line ? `${line.file}:${line.line}` : file;
  const words = {
    unknown: `the host key of ${name} is not known (${fingerprint}). ${hintOf(known)}Compare it with the host's own, then add it: ssh-keyscan -p ${target.port} ${target.address} >> ${file}`,
    changed: `REMOTE HOST IDENTIFICATION HAS CHANGED for ${name}: it shows ${fingerprint}, but ${where} holds another key. Someone could be eavesdropping. If the host was reinstalled: ssh-keygen -R '${name}' -f ${line?.file ?? file}`,
    revoked: `the host key of ${name} is marked as revoked in ${where} (${fingerprint})`,
  };
  return words[verdict];
};

/** Why a host that the user believes to be known is not. */
const hintOf = (known: readonly KnownKey[]): string => {
  const authority = known.find((entry) => entry.authority);
  if (!authority) return '';
  return `${authority.file}:${authority.line} trusts a certificate authority, but certificates are for ssh: { transport: 'openssh' }; otherwise the key itself has to be known. `;
};

/** The name that known_hosts has for a host. */
const nameOf = ({ address, port, ssh }: Target): string => ssh.hostKeyAlias?.toLowerCase() ?? lookupName(address, port);
