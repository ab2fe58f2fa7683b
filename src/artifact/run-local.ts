import type { Emit } from '#protocol/events.ts';
import { UserError } from '#recipe/user-error.ts';

/** Runs a build step by the local shell, showing its output as it comes. @throws UserError with the last lines when it fails */
export const runLocal = async (command: string, cwd: string, emit: Emit, signal: AbortSignal): Promise<void> => {
  const { execa } = await import('execa');
  const child = execa(command, { shell: true, cwd, reject: false, cancelSignal: signal, stdin: 'ignore', all: true });
  child.stdout?.on('data', (chunk) => emit({ type: 'local-output', command, stream: 'stdout', text: String(chunk) }));
  child.stderr?.on('data', (chunk) => emit({ type: 'local-output', command, stream: 'stderr', text: String(chunk) }));
  const result = await child;
  signal.throwIfAborted();
  if (!result.failed) return;
  const how = result.signal ? `was killed by ${result.signal}` : `failed with exit code ${result.exitCode}`;
  const last = result.all.trimEnd().split('\n').slice(-12).join('\n');
  throw new UserError(`the build step \`${command}\` ${how}:\n${last}`);
};
