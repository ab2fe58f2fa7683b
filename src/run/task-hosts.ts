import { type Command, sh, shellText } from '#protocol/shell.ts';
import { type CommandContext, inContext, NO_CONTEXT, SUDO_PROMPT, usesSudo } from '#recipe/command-context.ts';
import { CommandFailed, type Remote } from '#recipe/remote.ts';
import type { TaskHost } from '#recipe/task-host.ts';
import { UserError } from '#recipe/user-error.ts';
import type { LocalWork } from './local-work.ts';

/** Keeps in mind what a task has begun: see `Unfinished`. */
type Keep = <T>(work: Promise<T>) => Promise<T>;

/** Begins a command on a host: gives one password for each time that sudo asks. */
export type SudoPassword = (host: string) => () => Promise<string>;

/** A host as the body of a task sees it. `sudoPassword` asks for one; absent where nobody could answer. */
export const makeTaskHost = (
  remote: Remote,
  local: LocalWork,
  sudoPassword: SudoPassword | undefined,
  keep: Keep,
  context: CommandContext = NO_CONTEXT,
): TaskHost => {
  const inside = (changed: Partial<CommandContext>): TaskHost =>
    makeTaskHost(remote, local, sudoPassword, keep, { ...context, ...changed });
  const kept =
    <A extends unknown[], R>(act: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      keep(act(...args));
  const path = (written: string): string =>
    /^(\/|~$|~\/)/.test(written) || context.directory === undefined ? written : `${context.directory}/${written}`;
  /** What no shell reads: SFTP starts in the home directory, and so do commands without surroundings. */
  const file = (written: string): string => path(written).replace(/^~\//, '');

  const run: Remote['run'] = (command, options = {}) => {
    const written = refuseText(command);
    const asks = usesSudo(context) && sudoPassword !== undefined && options.stdin === undefined;
    const reply = asks ? sudoPassword(remote.host.name) : undefined;
    const answers = reply ? [{ when: SUDO_PROMPT, reply, ours: true }, ...(options.answers ?? [])] : options.answers;
    return remote.run(inContext(written, context, asks), {
      label: shellText(written),
      ...options,
      ...(answers === undefined ? {} : { answers }),
    });
  };

  const download = async (from: string, to?: string): Promise<Uint8Array | undefined> => {
    const bytes = await remote.read(file(from));
    if (to === undefined) return bytes;
    await local.write(to, bytes);
    return undefined;
  };

  return {
    ...remote,
    ...remote.host,
    run: kept(run),
    execute: kept(run),
    test: kept(async (command, options) => {
      try {
        await run(command, { quiet: true, reads: true, mayFail: true, ...options });
        return true;
      } catch (error) {
        if (error instanceof CommandFailed && typeof error.facts.exitCode === 'number') return false;
        throw error;
      }
    }),
    capture: kept(async (command, { strip = true, ...options } = {}) => {
      const { stdout } = await run(command, { quiet: true, reads: true, ...options });
      return strip ? stdout.trim() : stdout;
    }),
    upload: kept(async (source, to, { mode = 0o644 } = {}) => {
      if (typeof source !== 'string') return remote.write(file(to), source, mode);
      const found = await local.open(source);
      try {
        await (found.directory
          ? unpackInto(remote, found.path, file(to))
          : placeFile(remote, found.path, file(to), mode));
      } finally {
        await found.close();
      }
    }),
    download: kept(download) as TaskHost['download'],
    within: (directory) => inside({ directory: path(directory) }),
    as: (who) => inside(typeof who === 'string' ? { user: who } : who),
    with: (env) =>
      inside({
        env: { ...context.env, ...Object.fromEntries(Object.entries(env).map(([k, v]) => [checkName(k), String(v)])) },
      }),
    umask: (mask) => inside({ umask: mask }),
  };
};

/** A file is sent beside its place and moved in. */
const placeFile = async (remote: Remote, from: string, to: string, mode: number): Promise<void> => {
  const part = `${to}.part`;
  try {
    await remote.sendFile(from, part, () => {});
    await remote.run(sh`chmod ${mode.toString(8)} ${part} && mv -f ${part} ${to}`, { label: `upload ${to}` });
  } catch (error) {
    await remote.run(sh`rm -f ${part}`, { label: `remove ${part}` }).catch(() => {});
    throw error;
  }
};

/** A directory travels as a tar, and what is there already stays. */
const unpackInto = async (remote: Remote, tar: string, to: string): Promise<void> => {
  const part = `${to}.part`;
  try {
    await remote.sendFile(tar, part, () => {});
    await remote.run(sh`mkdir -p ${to} && (cd ${to} && tar -xpof -) < ${part}`, { label: `upload ${to}` });
  } finally {
    await remote.run(sh`rm -f ${part}`, { label: `remove ${part}` }).catch(() => {});
  }
};

/** In JavaScript a text may come where a command belongs: one word is its program, more are a mistake that would else be silent. */
const refuseText = (command: Command | string): Command => {
  if (typeof command !== 'string') return command;
  if (/^\S+$/.test(command)) return [command];
  throw new UserError(
    `the command '${command}' is a text: write it as cmd\`…\` (an argument list) or sh\`…\` (for the shell)`,
  );
};

const checkName = (name: string): string => {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return name;
  throw new UserError(`'${name}' is no name of an environment variable`);
};
