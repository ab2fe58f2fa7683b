import type { Emit } from '#protocol/events.ts';
import { UserError } from '#recipe/user-error.ts';

/**
 * Runs a build step by the local shell, showing its output as it comes. It leads a process group of its own, so that an
 * interrupt ends what it started, too: a shell that is killed leaves its children behind.
 * @throws UserError with the last lines when it fails
 */
export const runLocal = async (command: string, cwd: string, emit: Emit, signal: AbortSignal): Promise<void> => {
  const { execa } = await import('execa');
  const child = execa(command, { shell: true, cwd, reject: false, detached: true, stdin: 'ignore', all: true });
  const stop = () => void execa('kill', ['-s', 'TERM', '--', `-${child.pid}`], { reject: false });
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  child.stdout?.on('data', (chunk) => emit({ type: 'local-output', command, stream: 'stdout', text: String(chunk) }));
  child.stderr?.on('data', (chunk) => emit({ type: 'local-output', command, stream: 'stderr', text: String(chunk) }));
  const result = await child;
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  if (!result.failed) return;
  const how = result.signal ? `was killed by ${result.signal}` : `failed with exit code ${result.exitCode}`;
  const last = result.all.trimEnd().split('\n').slice(-12).join('\n');
  throw new UserError(`the build step \`${command}\` ${how}:\n${last}`);
};
