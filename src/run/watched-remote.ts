import { PassThrough } from 'node:stream';
import type { Emit } from '#protocol/events.ts';
import { shellText } from '#protocol/shell.ts';
import { CommandFailed, type CommandResult, type Remote } from '#recipe/remote.ts';
import type { CommandLimits } from '#recipe/settings.ts';

export interface Watching {
  readonly task: string;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  readonly limits: CommandLimits;
  /** Tells what would be done and does nothing, but for commands that only read. */
  readonly dryRun: boolean;
}

/** The same host, with all that a task does there told as events; once the run is interrupted, nothing further begins. */
export const watchRemote = (remote: Remote, { task, emit, signal, limits, dryRun }: Watching): Remote => {
  const host = remote.host.name;

  const told = async <T>(command: string, text: string, act: () => Promise<T>, mayFail = false): Promise<T> => {
    if (signal.aborted) throw new CommandFailed(host, { code: 'interrupted', message: 'interrupted', command });
    const begun = performance.now();
    const end = (exitCode: number | null, signalName: string | null) => {
      const seconds = (performance.now() - begun) / 1000;
      const answers = mayFail && exitCode !== null ? ({ mayFail } as const) : {};
      emit({ type: 'command-end', host, task, command, exitCode, signal: signalName, seconds, ...answers });
    };
    emit({ type: 'command-start', host, task, command, text });
    try {
      const result = await act();
      end(0, null);
      return result;
    } catch (error) {
      const facts = error instanceof CommandFailed ? error.facts : undefined;
      end(facts?.exitCode ?? null, facts?.signal ?? null);
      throw error;
    }
  };
  const planned = (command: string, text: string, reads = false) =>
    emit({ type: 'command-planned', host, task, command, text, reads });

  return {
    ...remote,
    run: async (command, options = {}) => {
      const text = shellText(command);
      const label = options.label ?? text;
      const limited = { ...limits, ...options };
      if (dryRun) {
        planned(label, text, options.reads);
        return options.reads ? remote.run(command, limited) : NOTHING;
      }
      const onOutput = (stream: 'stdout' | 'stderr', chunk: string) => {
        options.onOutput?.(stream, chunk);
        if (!options.quiet) emit({ type: 'command-output', host, task, stream, text: chunk });
      };
      return told(label, text, () => remote.run(command, { ...limited, onOutput }), options.mayFail);
    },
    write: async (path, content, mode) => {
      const words = `write ${path}`;
      if (dryRun) return planned(words, words);
      return told(words, words, () => remote.write(path, content, mode));
    },
    sendFile: async (localPath, path, progress, stop) => {
      const words = `upload ${path}`;
      if (dryRun) return planned(words, words);
      return told(words, words, () => remote.sendFile(localPath, path, progress, stop));
    },
    spawn: async (command) => {
      const text = shellText(command);
      const name = text.trim().split('\n').at(-1) as string;
      if (dryRun) {
        planned(name, text);
        return { ...ENDED, ...streams() };
      }
      const begun = performance.now();
      emit({ type: 'command-start', host, task, command: name, text });
      const program = await remote.spawn(command);
      void program.exit.then((end) => {
        const seconds = (performance.now() - begun) / 1000;
        emit({ type: 'command-end', host, task, command: name, ...end, seconds, mayFail: true }); // who talks to it tells
      });
      return program;
    },
  };
};

/** A program that a dry run does not start. */
const ENDED = { exit: Promise.resolve({ exitCode: 0, signal: null }), signal: () => {} };
const streams = () => ({ stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() });

const NOTHING: CommandResult = { stdout: '', stderr: '', seconds: 0 };
