import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import type { Surroundings } from '#protocol/control.ts';
import type { HostError } from '#protocol/events.ts';
import { type Command, sh } from '#protocol/shell.ts';
import { eachLine, keepTail } from '#recipe/process-output.ts';
import { CommandFailed, lastLines, type Remote, type RemoteProcess } from '#recipe/remote.ts';
import { CANNOT_RUN, NOT_WHOLE, receiveRuntime } from './host-commands.ts';
import type { NodePackage } from './node-packages.ts';
import type { RuntimeFile } from './obtain-runtime.ts';
import { relayProgram } from './relay-programs.ts';

/** A host that is to get a runtime. */
export interface Receiver {
  readonly remote: Remote;
  /** Directory of all runtimes on it. */
  readonly runtimes: string;
  readonly runtime: NodePackage;
  /** Names of programs that it has. */
  readonly tools: readonly string[];
  /** The address that SSH reached. */
  readonly address: string;
  /** Where other hosts may reach it, the likely ones first, by what it says of itself. */
  readonly addresses: (around: Surroundings) => readonly string[];
}

export type RuntimeError = Omit<HostError, 'task'>;

/** A host that is receiving, as the deployer sees it. */
export interface Receiving {
  readonly receiver: Receiver;
  /** Gives its relay an order and resolves to the answer; undefined when there is none in time, or no relay any more. */
  ask(order: string): Promise<readonly string[] | undefined>;
  /** Gives its relay an order that has no answer. */
  tell(order: string): void;
  /** Writes the runtime to it, telling every time that some of it has gone. */
  feed(file: RuntimeFile, moved: () => void): void;
  /** Lets it end: what it has got is not whole, and it tidies up. */
  giveUp(error: RuntimeError): void;
  /** Resolves when it is over, to what went wrong, if so. */
  readonly ended: Promise<RuntimeError | undefined>;
}

/** Whether a host can pass on what it receives. */
export const canRelay = ({ tools }: Receiver): boolean => tools.includes('gzip') && relayProgram(tools) !== undefined;

/** What runs on a host that receives a runtime, from another host or from the deployer. */
export const receiverCommand = (receiver: Receiver, relays: boolean): Command => {
  const { tools } = receiver;
  const source = (relays ? relayProgram(tools) : undefined) ?? sh`cat`;
  return receiveRuntime({ ...receiver, source, compressed: tools.includes('gzip') });
};

/** Starts it. Resolves to an error where the host does not let it. */
export const startReceiver = async (receiver: Receiver, relays: boolean): Promise<Receiving | RuntimeError> => {
  let program: RemoteProcess;
  try {
    program = await receiver.remote.spawn(receiverCommand(receiver, relays));
  } catch (error) {
    return error instanceof CommandFailed ? error.facts : { code: 'transfer', message: (error as Error).message };
  }
  const { stdin, exit } = program;
  stdin.on('error', () => {}); // it has ended; its exit tells why
  const output = keepTail(program.stderr);
  const answers = listen(program);
  let givenUp: RuntimeError | undefined;
  return {
    receiver,
    ask: (order) => {
      const answer = answers.next();
      stdin.write(`${order}\n`);
      return answer;
    },
    tell: (order) => void stdin.write(`${order}\n`),
    feed: ({ path }, moved) => {
      const file = createReadStream(path, { highWaterMark: 1 << 18 });
      const content = receiver.tools.includes('gzip') ? file : file.pipe(createGunzip());
      for (const stream of [file, content]) stream.on('error', () => stdin.end());
      stdin.on('close', () => file.destroy());
      content.on('data', moved).pipe(stdin);
    },
    giveUp: (error) => {
      givenUp ??= error;
      stdin.end();
      setTimeout(() => program.signal('KILL'), PATIENCE_MS).unref();
    },
    ended: exit.then((how) => givenUp ?? explainEnd(how, lastLines(output()))),
  };
};

/** Milliseconds that a relay has for an answer, and that a program has for tidying up. */
const PATIENCE_MS = 10_000;

/** The answers of a relay, one for each question, out of whatever else a host prints. */
const listen = ({ stdout, exit }: RemoteProcess) => {
  let answer: (words: readonly string[] | undefined) => void = () => {};
  eachLine(stdout, (line) => {
    if (line.startsWith('relay\t')) answer(line.split('\t').slice(1));
  });
  void exit.then(() => answer(undefined));
  return {
    next: (): Promise<readonly string[] | undefined> =>
      new Promise((resolve) => {
        const late = setTimeout(() => resolve(undefined), PATIENCE_MS);
        answer = (words) => {
          clearTimeout(late);
          resolve(words);
        };
        void exit.then(() => answer(undefined));
      }),
  };
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
