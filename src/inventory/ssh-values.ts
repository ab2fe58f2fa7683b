import { readers } from './settle.ts';
import type { Directive } from './ssh-config-file.ts';
import type { LocalMachine } from './ssh-tokens.ts';

/** The hosts of a `ProxyJump`, in the order of the way. */
export const readJumps = (line: Directive): readonly string[] => {
  const text = readers.text(line);
  return text.toLowerCase() === 'none' ? [] : text.split(',').map((hop) => hop.trim().replace(/^ssh:\/\//, ''));
};

/** The socket of an agent: a path, a variable that holds one, or none. */
export const readAgent = (text: string, local: LocalMachine, path: (text: string) => string): string | undefined => {
  if (text.toLowerCase() === 'none') return undefined;
  const variable = text === 'SSH_AUTH_SOCK' ? text : text.match(/^\$(\w+)$/)?.[1];
  return variable === undefined ? path(text) : local.env[variable] || undefined;
};

/** `yes`, `no`, or the socket of another agent than the one that logs in. */
export const readForwardAgent = (line: Directive): boolean | string =>
  /^(yes|no|true|false)$/i.test(readers.text(line)) ? readers.yes(line) : readers.text(line);

/** `no` would accept a changed key, too: that is not done. */
export const readChecking = (line: Directive): 'strict' | 'accept-new' =>
  ['accept-new', 'no', 'off', 'false'].includes(readers.text(line).toLowerCase()) ? 'accept-new' : 'strict';

export const readFamily = (line: Directive): 4 | 6 | undefined =>
  (({ inet: 4, inet6: 6 }) as const)[readers.text(line).toLowerCase() as 'inet'];

/** A command is taken as written, with its quotes. */
export const readCommand = ({ raw }: Directive): string | undefined => (raw.toLowerCase() === 'none' ? undefined : raw);
