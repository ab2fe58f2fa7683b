import type { Emit } from '#protocol/events.ts';
import { type Command, shellText } from '#protocol/shell.ts';
import { UserError } from '#recipe/user-error.ts';

export interface LocalCommand {
  /** Shell text is run by the local shell. */
  readonly command: Command;
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What it is, for the error: `the build step`. */
  readonly what: string;
}

/**
 * Runs a command on this machine, showing its output as it comes; resolves to its stdout. It leads a process group of
 * its own, so that an interrupt ends what it started, too: a shell that is killed leaves its children behind.
 * @throws UserError with the last lines when it fails
 */
export const runLocal = async (
  { command, cwd, env = {}, what }: LocalCommand,
  emit: Emit,
  signal: AbortSignal,
): Promise<string> => {
  const { execa } = await import('execa');
  const options = { cwd, env, reject: false, detached: true, stdin: 'ignore', all: true } as const;
  const text = shellText(command);
  const [program = '', ...words] = 'kind' in command ? [] : command;
  const child = 'kind' in command ? execa(text, { ...options, shell: true }) : execa(program, words, options);
  const stop = () => void execa('kill', ['-s', 'TERM', '--', `-${child.pid}`], { reject: false });
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  child.stdout?.on('data', (chunk) =>
    emit({ type: 'local-output', command: text, stream: 'stdout', text: String(chunk) }),
  );
  child.stderr?.on('data', (chunk) =>
    emit({ type: 'local-output', command: text, stream: 'stderr', text: String(chunk) }),
  );
  const result = await child;
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  if (!result.failed) return result.stdout as string;
  if (result.code === 'ENOENT') throw new UserError(`${what} \`${text}\`: there is no program ${program} here`);
  const how = result.signal ? `was killed by ${result.signal}` : `failed with exit code ${result.exitCode}`;
  const last = String(result.all ?? '')
    .trimEnd()
    .split('\n')
    .slice(-12)
    .join('\n');
  throw new UserError(`${what} \`${text}\` ${how}:\n${last}`);
};
