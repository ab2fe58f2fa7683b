import type { HostError } from '#protocol/events.ts';

/** What went wrong on a host, in words: `exit code 1`, `killed by SIGKILL`, `connection refused: …`. */
export const describeCause = (error: HostError): string => {
  const { code, message, command } = error;
  const own = message.trim();
  if (CONNECTION.has(code)) {
    const known = SYSTEM.find(([pattern]) => pattern.test(own));
    if (known) return `${known[1]}${address(own)}`;
  }
  const end = describeEnd(error);
  if (end === undefined) return own || (WORDS[code] ?? code);
  const bare = own === '' || (command !== undefined && own.includes(command));
  return bare ? end : /\bexit|\bsignal|\bkilled/i.test(own) ? own : `${own} (${end})`;
};

/** How a command ended, where it was a command that failed. */
const describeEnd = ({ code, exitCode, signal }: HostError): string | undefined => {
  if (code !== 'command' && code !== 'signal') return undefined;
  if (signal) return `killed by ${signal}`;
  return exitCode === null || exitCode === undefined ? undefined : `exit code ${exitCode}`;
};

const CONNECTION: ReadonlySet<string> = new Set(['connect', 'host-key', 'auth', 'connection-lost']);

/** What Node and ssh2 say, and what it means. Messages that are words already stay as they are. */
const SYSTEM: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/, 'connection refused: nothing listens there, is sshd running on this port?'],
  [
    /ETIMEDOUT|Timed out while waiting for handshake/,
    'no answer: is the host up, and does a firewall let this port through?',
  ],
  [/ENOTFOUND|EAI_AGAIN/, 'the name does not resolve: is it spelled as in DNS?'],
  [/EHOSTUNREACH|ENETUNREACH/, 'no route to the host: is the network (or the VPN) up?'],
  [/ECONNRESET|EPIPE/, 'the host closed the connection'],
  [
    /All configured authentication methods failed/,
    'login refused: the host accepts none of the keys offered for this user',
  ],
];

/** What failed where a message is empty. */
const WORDS: Partial<Record<HostError['code'], string>> = {
  connect: 'could not connect',
  'host-key': 'the host key is not the known one',
  auth: 'login refused',
  'connection-lost': 'the connection was lost',
  'disk-full': 'no space left on the disk',
  permission: 'permission denied',
  interrupted: 'interrupted',
};

const address = (message: string): string => {
  const found = /\s((?:\d+\.){3}\d+:\d+|\[?[\da-f:]*:[\da-f:]+\]?:\d+)/i.exec(message);
  return found ? ` (${found[1]})` : '';
};
