import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Host } from '#inventory/host.ts';
import { ConnectFailed } from './connect-failed.ts';
import { judgeHostKey, type KnownKey, keyTypeOf, knownKeys, lookupName } from './known-hosts.ts';

/** The keys that the user's known_hosts files hold for a host; files that do not exist hold none. */
export const readKnownKeys = async (host: Host): Promise<KnownKey[]> => {
  const files = await Promise.all(
    host.ssh.knownHostsFiles.map(async (path) => ({ path, text: await readFile(path, 'utf8').catch(() => '') })),
  );
  return knownKeys(files, host.address, host.port);
};

/** Undefined for a key that is known; otherwise why it is refused, in OpenSSH's words, and what to do. */
export const refuseHostKey = (host: Host, known: readonly KnownKey[], key: Buffer): ConnectFailed | undefined => {
  const type = keyTypeOf(key);
  const verdict = judgeHostKey(known, type, key.toString('base64'));
  if (verdict === 'known') return undefined;
  const name = lookupName(host.address, host.port);
  const file = host.ssh.knownHostsFiles[0] ?? '~/.ssh/known_hosts';
  const fingerprint = `${type} SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
  const line = known.find((entry) => entry.type === type);
  const where = line ? `${line.file}:${line.line}` : file;
  const words = {
    unknown: `the host key of ${name} is not known (${fingerprint}). Compare it with the host's own, then add it: ssh-keyscan -p ${host.port} ${host.address} >> ${file}`,
    changed: `REMOTE HOST IDENTIFICATION HAS CHANGED for ${name}: it shows ${fingerprint}, but ${where} holds another key. Someone could be eavesdropping. If the host was reinstalled: ssh-keygen -R '${name}' -f ${line?.file ?? file}`,
    revoked: `the host key of ${name} is marked as revoked in ${where} (${fingerprint})`,
  };
  return new ConnectFailed('host-key', words[verdict]);
};
