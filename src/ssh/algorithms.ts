import ssh2Constants from 'ssh2/lib/protocol/constants.js';
import type { HostSsh } from '#inventory/host.ts';
import { ConnectFailed } from './connect-failed.ts';
import { hostKeyAlgorithms, type KnownKey } from './known-hosts.ts';

type Name = keyof HostSsh['algorithms'];

/** ssh2's word for each list, what it knows, and what it offers by itself. */
const LISTS: Readonly<
  Record<Name, { readonly key: string; readonly all: readonly string[]; readonly usual: readonly string[] }>
> = {
  Ciphers: { key: 'cipher', all: ssh2Constants.SUPPORTED_CIPHER, usual: ssh2Constants.DEFAULT_CIPHER },
  KexAlgorithms: { key: 'kex', all: ssh2Constants.SUPPORTED_KEX, usual: ssh2Constants.DEFAULT_KEX },
  MACs: { key: 'hmac', all: ssh2Constants.SUPPORTED_MAC, usual: ssh2Constants.DEFAULT_MAC },
  HostKeyAlgorithms: {
    key: 'serverHostKey',
    all: ssh2Constants.SUPPORTED_SERVER_HOST_KEY,
    usual: ssh2Constants.DEFAULT_SERVER_HOST_KEY,
  },
};

/** The algorithms to offer: ssh_config's where it names some, and host keys in the order of what is known. @throws ConnectFailed where none is left */
export const chooseAlgorithms = ({ algorithms }: HostSsh, known: readonly KnownKey[]): Record<string, string[]> => {
  const chosen = Object.entries(algorithms).map(([name, written]) => {
    const { key, all, usual } = LISTS[name as Name];
    const list = chooseFrom(written, all, usual);
    if (list.length > 0) return [key, list] as const;
    throw new ConnectFailed(
      'connect',
      `${name} of ssh_config leaves nothing that Rookery knows (${written}); it knows ${all.join(',')}`,
    );
  });
  return { serverHostKey: hostKeyAlgorithms(known), ...Object.fromEntries(chosen) };
};

/** A list of ssh_config: names in place of the usual ones, `+` after them, `^` before them, `-` without them. */
export const chooseFrom = (written: string, all: readonly string[], usual: readonly string[]): string[] => {
  const sign = /^[+^-]/.test(written) ? written[0] : '';
  const patterns = (sign === '' ? written : written.slice(1)).split(',').map(toExpression);
  const named = unique(patterns.flatMap((pattern) => all.filter((name) => pattern.test(name))));
  if (sign === '+') return unique([...usual, ...named]);
  if (sign === '^') return unique([...named, ...usual]);
  return sign === '-' ? usual.filter((name) => !named.includes(name)) : named;
};

const toExpression = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .trim()
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );

const unique = (names: readonly string[]): string[] => [...new Set(names)];
