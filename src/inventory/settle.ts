import { UserError } from '#recipe/user-error.ts';
import type { SshSetting } from './host.ts';
import type { FoundSettings } from './look-up-ssh.ts';
import type { Directive } from './ssh-config-file.ts';

/** A value and where it stands. */
export interface Settled<T> {
  readonly value: T;
  readonly from: string;
}

export type Settle = <T>(
  name: string,
  chosen: Settled<T> | undefined,
  read: (line: Directive, all: readonly Directive[]) => T,
  fallback: T | Settled<T>,
) => T;

/** Chooses one value after the other: what was chosen, else what ssh_config says, else the default; and keeps a list of them all. */
export const makeSettle = (found: FoundSettings): { settle: Settle; settings: SshSetting[] } => {
  const settings: SshSetting[] = [];
  const settle: Settle = (name, chosen, read, fallback) => {
    const settled = chosen ?? fromFile(found, name, read) ?? asSettled(fallback);
    if (settled.value !== undefined) settings.push({ name, value: describe(settled.value), from: settled.from });
    return settled.value;
  };
  return { settle, settings };
};

const fromFile = <T>(
  found: FoundSettings,
  name: string,
  read: (line: Directive, all: readonly Directive[]) => T,
): Settled<T> | undefined => {
  const all = found.get(name.toLowerCase()) ?? [];
  const [first] = all;
  return first && { value: read(first, all), from: first.from };
};

const asSettled = <T>(value: T | Settled<T>): Settled<T> =>
  typeof value === 'object' && value !== null && 'from' in value ? value : { value, from: 'default' };

const describe = (value: unknown): string => {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return Array.isArray(value) ? value.join(' ') || 'none' : String(value);
};

/** The readers of values, each with an error that names the line. */
export const readers = {
  text: ({ args }: Directive): string => args[0] ?? '',
  yes: (line: Directive): boolean => {
    const word = line.args[0]?.toLowerCase() ?? '';
    if (['yes', 'true'].includes(word)) return true;
    if (['no', 'false'].includes(word)) return false;
    throw wrong(line, 'must be yes or no');
  },
  port: (line: Directive): number => {
    const port = Number(line.args[0]);
    if (!Number.isInteger(port) || port < 1 || port > 65535) throw wrong(line, 'must be a number from 1 to 65535');
    return port;
  },
  count: (line: Directive): number => {
    if (!/^\d+$/.test(line.args[0] ?? '')) throw wrong(line, 'must be a number');
    return Number(line.args[0]);
  },
  /** sshd_config(5), TIME FORMATS: `90`, `1m30s`. */
  seconds: (line: Directive): number => {
    const text = line.args[0] ?? '';
    if (!/^(\d+[smhdw]?)+$/i.test(text)) throw wrong(line, 'must be a time, as 20 or 1m');
    const parts = [...text.toLowerCase().matchAll(/(\d+)([smhdw]?)/g)];
    return parts.reduce((sum, [, number, unit = '']) => sum + Number(number) * (UNITS[unit] ?? 1), 0);
  },
};

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

const wrong = ({ keyword, args, from }: Directive, what: string): UserError =>
  new UserError(`${from}: ${keyword} ${what}, is '${args.join(' ')}'`, 2);
