/** Runs the built program as users do: a process of its own, judged by its exit code and what it wrote. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface CliOptions {
  readonly cwd?: string;
  /** Changes to the environment of the tests; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Written to its stdin, which then ends. */
  readonly input?: string;
  /** Milliseconds after which the program is killed, so that no test leaves it behind. @default 120000 */
  readonly timeout?: number;
  /** Arguments for node before the program. @default the program itself, dist/cli.js */
  readonly program?: readonly string[];
  /** A command that runs it, with its own first arguments: in another namespace. @default none */
  readonly through?: readonly string[];
}

export interface CliResult {
  /** Null where a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly pid: number;
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Resolves when the text has shown up on stdout or stderr. @throws where the program ends without it. */
  seen(text: string | RegExp): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Resolves when the program has ended, whatever its exit code. */
  readonly result: Promise<CliResult>;
}

export interface SignalOrder {
  /** Text, on stdout or stderr, at which the signal is sent. */
  readonly text: string | RegExp;
  /** @default SIGINT */
  readonly signal?: NodeJS.Signals;
}

/** The program as the build leaves it. */
export const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

/** Runs the program to its end. Signals are sent one after another, each at its text. */
export const runCli = (
  args: readonly string[],
  { signalWhen = [], ...options }: CliOptions & { readonly signalWhen?: SignalOrder | readonly SignalOrder[] } = {},
): Promise<CliResult> => {
  const cli = startCli(args, options);
  const orders = 'text' in signalWhen ? [signalWhen] : signalWhen;
  const signalled = (async () => {
    for (const { text, signal = 'SIGINT' } of orders) {
      await cli.seen(text);
      cli.signal(signal);
    }
  })();
  return signalled.then(() => cli.result);
};

/** Starts the program and leaves it to the caller when to wait for what. */
export const startCli = (args: readonly string[], options: CliOptions = {}): RunningCli => {
  const { cwd, input = '', timeout = 120_000, program = [CLI], through = [] } = options;
  const [command, ...words] = [...through, process.execPath, ...program, ...args];
  const env = { ...process.env, ...options.env };
  const child = spawn(command!, words, { cwd, env, timeout, killSignal: 'SIGKILL' });
  const written = { stdout: '', stderr: '' };
  const watchers = new Set<() => void>();
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      written[stream] += text;
      for (const look of watchers) look();
    });
  }
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const result = new Promise<CliResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, signal) => resolve({ exitCode, signal, ...written }));
  });
  const seen = (text: string | RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!has(written.stdout, text) && !has(written.stderr, text)) return;
        watchers.delete(look);
        resolve();
      };
      watchers.add(look);
      look();
      result.then(
        ({ exitCode, stdout, stderr }) =>
          reject(new Error(`${text} did not show up before exit ${exitCode}:\n${stdout}${stderr}`)),
        reject,
      );
    });
  return {
    ...{ pid: child.pid ?? -1, child, seen, result },
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    signal: (name) => void child.kill(name),
  };
};

const has = (output: string, text: string | RegExp): boolean =>
  typeof text === 'string' ? output.includes(text) : text.test(output);
