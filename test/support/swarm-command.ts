/** `deploy swarm` in this process: the program without its start, for what needs no process of its own. */
import { Writable } from 'node:stream';
import { runSwarmCommand } from '../../src/command/swarm-command.ts';

export type SwarmEvent = Readonly<Record<string, unknown>> & { readonly type: string };

/** What a part of a swarm has said: every line is an event, and the last one the summary. */
export interface SwarmRun {
  readonly exitCode: number | null;
  readonly events: readonly SwarmEvent[];
  readonly summary: SwarmEvent;
  /** Why it failed. */
  readonly message: string | undefined;
}

export interface RunningPart {
  /** Resolves when an event of this type has been told. */
  seen(type: string): Promise<SwarmEvent>;
  signal(): void;
  readonly result: Promise<SwarmRun>;
}

/** `deploy swarm <line> --format json` in a directory. */
export const startPart = (line: string, cwd: string): RunningPart => {
  const { stream, text, onText } = collect();
  let signal: (name: string) => void = () => {};
  const ended = runSwarmCommand([...line.split(' '), '--format', 'json'], {
    ...{
      argv: [],
      env: {},
      cwd,
      pid: 0,
      execPath: '',
      nodeVersion: '',
      stdout: stream,
      stderr: collect().stream,
      stdin: process.stdin,
    },
    onSignal: (take) => {
      signal = take;
    },
    onStray: () => {},
    endNow: () => {},
  });
  const result = ended.then((exitCode) => readSwarmRun(exitCode, text()));
  result.catch(() => {});
  const seen = (type: string) =>
    new Promise<SwarmEvent>((resolve, reject) => {
      onText(() => {
        const found = readEvents(text()).find((event) => event.type === type);
        if (found) resolve(found);
      });
      result.then(({ message }) => reject(new Error(`it ended without ${type}: ${message}`)), reject);
    });
  return { seen, result, signal: () => signal('SIGINT') };
};

/** What a run with `--format json` wrote to stdout. */
export const readSwarmRun = (exitCode: number | null, stdout: string): SwarmRun => {
  const events = readEvents(stdout);
  const summary = events.at(-1);
  if (summary?.type !== 'summary' || summary.exitCode !== exitCode || summary.ok !== (exitCode === 0))
    throw new Error(`exit code ${exitCode}, but no such summary:\n${stdout}`);
  return { exitCode, events, summary, message: (summary.error as { message?: string } | undefined)?.message };
};

const readEvents = (stdout: string): SwarmEvent[] =>
  stdout
    .slice(0, stdout.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

const collect = () => {
  let written = '';
  const listeners: (() => void)[] = [];
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      written += chunk;
      for (const listener of listeners) listener();
      done();
    },
  });
  return {
    stream,
    text: () => written,
    onText: (listener: () => void) => {
      listeners.push(listener);
      listener();
    },
  };
};
