import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A running program of the benchmark, in a process group of its own: a Ctrl-C is ours alone to act on. */
export interface Program {
  readonly pid: number;
  write(line: string): void;
  kill(): void;
  /** Resolves when it has ended, to how and to its last words. Never rejects. */
  readonly ended: Promise<string>;
}

/** Starts it and passes on the lines of its output. */
export const startProgram = (argv: readonly string[], onLine: (line: string) => void): Program => {
  const [command, ...args] = argv;
  const child = spawn(command!, args, { detached: true, stdio: 'pipe' });
  let complaints = '';
  child.stdin.on('error', () => {}); // it has ended; `ended` tells how
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk).slice(-2000);
  });
  createInterface({ input: child.stdout }).on('line', onLine);
  const ended = Promise.race([once(child, 'close'), once(child, 'error')]).then(([how, signal]) =>
    `${argv.slice(-3).join(' ')} ended with ${how ?? signal} ${complaints}`.trim(),
  );
  return {
    pid: child.pid ?? 0,
    write: (line) => void child.stdin.write(`${line}\n`),
    kill: () => void child.kill('SIGKILL'),
    ended,
  };
};
