import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import type { HostError } from '#protocol/events.ts';
import { sh } from '#protocol/shell.ts';
import { CommandFailed, lastLines, type Remote, type RemoteProcess } from '#recipe/remote.ts';
import { CANNOT_RUN, NOT_WHOLE, receiveRuntime } from './host-commands.ts';
import type { NodePackage } from './node-packages.ts';
import type { RuntimeFile } from './obtain-runtime.ts';

/** A host that is to get a runtime. */
export interface Receiver {
  readonly remote: Remote;
  /** Directory of all runtimes on it. */
  readonly runtimes: string;
  readonly runtime: NodePackage;
  /** Whether it has gzip. */
  readonly unpacks: boolean;
}

export type RuntimeError = Omit<HostError, 'task'>;

export interface Sending {
  /** Seconds without a byte that moves, or a word of the host's, after which it has failed. */
  readonly stallTimeout: number;
  readonly signal: AbortSignal;
}

/** What runs on a host that is sent a runtime over its own SSH connection. */
export const receiveOverSsh = ({ runtimes, runtime, unpacks }: Omit<Receiver, 'remote'>) =>
  receiveRuntime({ runtimes, runtime, source: sh`cat`, compressed: unpacks });

/** Sends a runtime to one host over its SSH connection. Resolves to what went wrong, if so; never rejects. */
export const sendRuntime = async (
  receiver: Receiver,
  file: RuntimeFile,
  { stallTimeout, signal }: Sending,
): Promise<RuntimeError | undefined> => {
  if (signal.aborted) return INTERRUPTED;
  let program: RemoteProcess;
  try {
    program = await receiver.remote.spawn(receiveOverSsh(receiver));
  } catch (error) {
    return error instanceof CommandFailed ? error.facts : { code: 'transfer', message: (error as Error).message };
  }
  const output = lastWords(program);
  let ended: RuntimeError | undefined;
  const end = (error: RuntimeError) => {
    ended ??= error;
    program.stdin.end(); // what it has got is not whole, and it tidies up
    program.stdin.destroy();
  };
  const stalled = () => end({ code: 'transfer', message: `no byte of the runtime moved for ${stallTimeout} s` });
  const interrupted = () => end(INTERRUPTED);
  let timer = setTimeout(stalled, stallTimeout * 1000);
  signal.addEventListener('abort', interrupted);
  feed(program, file, receiver.unpacks, () => {
    clearTimeout(timer);
    timer = setTimeout(stalled, stallTimeout * 1000);
  });
  const how = await program.exit;
  clearTimeout(timer);
  signal.removeEventListener('abort', interrupted);
  return ended ?? explainEnd(how, output());
};

const INTERRUPTED: RuntimeError = { code: 'interrupted', message: 'interrupted' };

/** Writes the runtime to a program's stdin, as it is kept or unpacked. That the program goes away before its end is told by its exit. */
const feed = (program: RemoteProcess, { path }: RuntimeFile, compressed: boolean, moved: () => void): void => {
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  const content = compressed ? file : file.pipe(createGunzip());
  file.on('error', () => program.stdin.end());
  content.on('error', () => program.stdin.end());
  program.stdin.on('error', () => file.destroy());
  program.stdin.on('close', () => file.destroy());
  content.on('data', moved).pipe(program.stdin);
};

const lastWords = ({ stdout, stderr }: RemoteProcess): (() => string) => {
  let text = '';
  stdout.resume();
  stderr.on('data', (chunk: Buffer) => {
    text = (text + chunk).slice(-4000);
  });
  return () => lastLines(text);
};

const explainEnd = ({ exitCode, signal }: Awaited<RemoteProcess['exit']>, output: string): RuntimeError | undefined => {
  if (exitCode === 0) return undefined;
  const facts = { command: 'receive the runtime', exitCode, signal, output };
  if (signal !== null) return { code: 'signal', message: `killed by ${signal}`, ...facts };
  if (exitCode === null) return { code: 'connection-lost', message: 'the connection was lost', ...facts };
  if (/no space left|disk quota/i.test(output))
    return { code: 'disk-full', message: 'the disk is full: the runtime does not fit', ...facts };
  if (exitCode === NOT_WHOLE)
    return { code: 'verify', message: 'the runtime did not arrive as it was sent, and was removed', ...facts };
  if (exitCode === CANNOT_RUN)
    return {
      code: 'runtime',
      message: "the bundled Node.js does not run on this host: install Node 18 or newer, or use strategy: 'sftp'",
      ...facts,
    };
  return { code: 'command', message: `exit code ${exitCode}`, ...facts };
};
