import { type Command, quote, type ShellText, sh, shellText } from '#protocol/shell.ts';

/** What surrounds a command on a host. It holds for every command alike (Capistrano: not for one whose first word has a space, sshkit#98). */
export interface CommandContext {
  readonly directory?: string;
  /** Runs by `sudo -u`, not as the user who is logged in. */
  readonly user?: string;
  readonly group?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly umask?: string;
  readonly commands: CommandMap;
}

/** What programs' names stand for, of all recipes together. */
export interface CommandMap {
  readonly commands: Readonly<Record<string, readonly string[]>>;
  readonly prefix: Readonly<Record<string, readonly string[]>>;
}

export const NO_CONTEXT: CommandContext = { env: {}, commands: { commands: {}, prefix: {} } };

/** The prompt by which sudo asks for a password when it needs one. */
export const SUDO_PROMPT = 'rookery-sudo-password:';

/** The command that does the same within its context. `asks` lets sudo read a password from stdin; otherwise it fails where it needs one. */
export const inContext = (command: Command, context: CommandContext, asks: boolean): Command => {
  const mapped = mapCommand(command, context.commands);
  const before = [
    ...(context.directory === undefined ? [] : [`cd ${directoryWord(context.directory)} || exit`]),
    ...(context.umask === undefined ? [] : [`umask ${quote(context.umask)}`]),
    ...Object.entries(context.env).map(([name, value]) => `export ${name}=${quote(value)}`),
  ];
  const whole = before.length === 0 ? mapped : withLines(before, mapped);
  const { user, group } = context;
  if (!usesSudo(context)) return whole;
  const sudo = [
    'sudo',
    ...(asks ? ['-S', '-p', SUDO_PROMPT] : ['-n']),
    ...flag('-u', user),
    ...flag('-g', group),
    '--',
  ];
  return isShell(whole) ? { ...whole, ...sh`${sudo} /bin/sh -c ${shellText(whole)}` } : [...sudo, ...whole];
};

/** Whether commands run as another user, or with another group, so that a password may be asked for. */
export const usesSudo = ({ user, group }: CommandContext): boolean => user !== undefined || group !== undefined;

/** `~` at the beginning is the home directory of whoever runs the command; all else is as it stands. */
const directoryWord = (directory: string): string => {
  if (directory === '~') return '~';
  return directory.startsWith('~/') ? `~/${quote(directory.slice(2))}` : quote(directory);
};

/** The program's name is replaced, and what it stands for gets its own prefix. */
const mapCommand = (command: Command, { commands, prefix }: CommandMap): Command => {
  if (isShell(command)) return command;
  const [program = '', ...rest] = command;
  return [...(own(prefix, program) ?? []), ...(own(commands, program) ?? [program]), ...rest];
};

/** A map may be asked for `constructor`. */
const own = <T>(map: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(map, key) ? map[key] : undefined;

const withLines = (lines: readonly string[], command: Command): ShellText => ({
  ...(isShell(command) ? command : {}),
  kind: 'shell',
  text: [...lines, shellText(command)].join('\n'),
});

const flag = (name: string, value: string | undefined): string[] => (value === undefined ? [] : [name, value]);

const isShell = (command: Command): command is ShellText => 'kind' in command;
