import { createHmac, randomBytes } from 'node:crypto';

/**
 * known_hosts as OpenSSH reads it (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): plain, hashed, wildcard and negated names,
 * `[host]:port`, `@revoked`. Lines of certificate authorities are marked: ssh2 knows no certificates.
 */
export interface KnownKey {
  readonly file: string;
  readonly line: number;
  readonly type: string;
  /** The public key, base64 as in the file. */
  readonly key: string;
  readonly revoked: boolean;
  /** It is the key of a certificate authority: no host shows it. */
  readonly authority: boolean;
}

export type HostKeyVerdict = 'known' | 'unknown' | 'changed' | 'revoked';

/** Every key that the files hold for a name, as `lookupName` gives it. */
export const knownKeys = (files: readonly { path: string; text: string }[], name: string): KnownKey[] =>
  files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      const entry = parseLine(line);
      if (!entry || !matchesHost(entry.names, name)) return [];
      const { type, key, revoked, authority } = entry;
      return [{ file: path, line: index + 1, type, key, revoked, authority }];
    }),
  );

/** What the known keys say of the key that a host presented. A host known by keys of other types only is `unknown`. */
export const judgeHostKey = (known: readonly KnownKey[], type: string, key: string): HostKeyVerdict => {
  if (known.some((entry) => entry.revoked && entry.key === key)) return 'revoked';
  const valid = known.filter((entry) => !entry.revoked && !entry.authority);
  if (valid.some((entry) => entry.key === key)) return 'known';
  return valid.some((entry) => entry.type === type) ? 'changed' : 'unknown';
};

/** The name that known_hosts uses: the host alone on port 22, otherwise `[host]:port`. */
export const lookupName = (host: string, port: number): string =>
  port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;

/** A line for known_hosts, its name hashed where it shall not be read. */
export const knownHostsLine = (name: string, key: Buffer, hashed: boolean): string =>
  `${hashed ? hashName(name) : name} ${keyTypeOf(key)} ${key.toString('base64')}\n`;

const hashName = (name: string): string => {
  const salt = randomBytes(20);
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
};

/** Algorithms to ask the server for: those of known keys first, so that it shows a key that we can compare. */
export const hostKeyAlgorithms = (known: readonly KnownKey[]): string[] => {
  const types = known.filter((entry) => !entry.revoked && !entry.authority).map((entry) => entry.type);
  const preferred = ALGORITHMS.filter((algorithm) => types.includes(keyType(algorithm)));
  return [...preferred, ...ALGORITHMS.filter((algorithm) => !preferred.includes(algorithm))];
};

/** The type and fingerprint of a key as ssh prints it: type, and SHA256 in base64 without padding. */
export const keyTypeOf = (key: Buffer): string => key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1');

const ALGORITHMS = [
  ...['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'],
  ...['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'],
];

const keyType = (algorithm: string): string => (algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm);

interface Line {
  readonly names: string;
  readonly type: string;
  readonly key: string;
  readonly revoked: boolean;
  readonly authority: boolean;
}

const parseLine = (line: string): Line | undefined => {
  const words = line.trim().split(/\s+/);
  if (words[0] === '' || words[0]?.startsWith('#')) return undefined;
  const marker = words[0]?.startsWith('@') ? words.shift() : undefined;
  const [names, type, key] = words;
  if (names === undefined || type === undefined || key === undefined) return undefined;
  return { names, type, key, revoked: marker === '@revoked', authority: marker === '@cert-authority' };
};

const matchesHost = (names: string, name: string): boolean => {
  if (names.startsWith('|1|')) return matchesHash(names, name);
  const patterns = names.toLowerCase().split(',');
  if (patterns.some((pattern) => pattern.startsWith('!') && matchesPattern(pattern.slice(1), name))) return false;
  return patterns.some((pattern) => !pattern.startsWith('!') && matchesPattern(pattern, name));
};

const matchesHash = (hashed: string, name: string): boolean => {
  const [, , salt = '', digest = ''] = hashed.split('|');
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === digest;
};

const matchesPattern = (pattern: string, name: string): boolean => {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`).test(name);
};
