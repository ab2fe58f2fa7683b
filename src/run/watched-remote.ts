import type { Emit } from '#protocol/events.ts';
import { shellText } from '#protocol/shell.ts';
import { CommandFailed, type Remote } from '#recipe/remote.ts';

/** The same host, with every command of a task told as events; once the run is interrupted, no further one begins. */
export const watchRemote = (remote: Remote, task: string, emit: Emit, signal: AbortSignal): Remote => ({
  ...remote,
  run: async (command, options = {}) => {
    const host = remote.host.name;
    const text = options.label ?? shellText(command);
    if (signal.aborted) throw new CommandFailed(host, { code: 'interrupted', message: 'interrupted', command: text });
    const begun = performance.now();
    const end = (exitCode: number | null, signal: string | null) =>
      emit({
        type: 'command-end',
        host,
        task,
        command: text,
        exitCode,
        signal,
        seconds: (performance.now() - begun) / 1000,
      });
    emit({ type: 'command-start', host, task, command: text });
    try {
      const result = await remote.run(command, {
        ...options,
        onOutput: (stream, chunk) => {
          options.onOutput?.(stream, chunk);
          if (!options.quiet) emit({ type: 'command-output', host, task, stream, text: chunk });
        },
      });
      end(0, null);
      return result;
    } catch (error) {
      if (error instanceof CommandFailed) end(error.facts.exitCode ?? null, error.facts.signal ?? null);
      throw error;
    }
  },
});
