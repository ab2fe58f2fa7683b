/**
 * A command on an embedded host, as sshd runs it. It leads a process group of its own; its exit is told at once, but
 * the channel stays open until every holder of its output has closed it; when the channel goes first, the command
 * loses its pipes and is not killed.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { ServerChannel, Session } from 'ssh2';
import type { Leftovers } from './host.ts';
import { channelOutput } from './output.ts';

export interface CommandOrder {
  readonly session: Session;
  readonly channel: ServerChannel;
  /** Text for /bin/sh. */
  readonly command: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  readonly leftovers: Leftovers;
}

/** Runs the command and joins it to the channel. */
export const runCommand = (order: CommandOrder): void => {
  const { channel, command, home, env } = order;
  const child = spawn('/bin/sh', ['-c', command], { cwd: home, env, detached: true });
  child.once('spawn', () => join(order, child));
  child.once('error', (error) => {
    channel.stderr.write(`${error.message}\n`);
    channel.exit(255);
    channel.end();
  });
};

const join = ({ session, channel, leftovers }: CommandOrder, child: ChildProcessWithoutNullStreams): void => {
  const hangUp = () => {
    leftovers.delete(hangUp);
    for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.destroy();
    child.unref();
  };
  leftovers.add(hangUp);
  session.once('close', hangUp);
  keepRequestsAfterEof(session);
  session.on('signal', (accept, reject, { name }) => (signalGroup(child, name) ? accept?.() : reject?.()));

  feed(channel, child);
  child.once('exit', (code, signal) => tellExit(channel, code, signal));
  deliver(channel, child).then(() => {
    leftovers.delete(hangUp);
    channel.end();
  });
};

/** Input that the command does not want is thrown away, so that the channel does not stand still. */
const feed = (channel: ServerChannel, child: ChildProcessWithoutNullStreams): void => {
  child.stdin.on('error', () => {});
  child.stdin.once('close', () => channel.resume());
  channel.pipe(child.stdin);
};

/** Resolves when the command has ended and all its output has gone out. */
const deliver = async (channel: ServerChannel, child: ChildProcessWithoutNullStreams): Promise<void> => {
  const output = channelOutput(channel);
  const parts = [once(child, 'exit'), once(output.stdout, 'finish'), once(output.stderr, 'finish')];
  child.stdout.pipe(output.stdout);
  child.stderr.pipe(output.stderr);
  await Promise.all(parts);
};

const tellExit = (channel: ServerChannel, code: number | null, signal: NodeJS.Signals | null): void => {
  if (signal === null) channel.exit(code ?? 255);
  else if (KNOWN_SIGNALS.has(signal)) channel.exit(signal);
  else channel.exit(128 + constants.signals[signal]);
};

/** Signals that RFC 4254, section 6.10 names. */
const KNOWN_SIGNALS = new Set(
  ['ABRT', 'ALRM', 'FPE', 'HUP', 'ILL', 'INT', 'KILL', 'PIPE', 'QUIT', 'SEGV', 'TERM', 'USR1', 'USR2'].map(
    (s) => `SIG${s}`,
  ),
);

/** Sends the signal to all of the group; like sshd, only while the command itself is running. */
const signalGroup = (child: ChildProcessWithoutNullStreams, name: string): boolean => {
  if (!KNOWN_SIGNALS.has(`SIG${name}`) || child.pid === undefined) return false;
  if (child.exitCode !== null || child.signalCode !== null) return false;
  spawn('/bin/sh', ['-c', `kill -s ${name} -- -${child.pid}`], { stdio: 'ignore' }).on('error', () => {});
  return true;
};

/** ssh2 refuses all requests of a session once its input has ended; a signal must still get through. */
const keepRequestsAfterEof = (session: Session): void => {
  session.on('eof', () => Object.assign(session, { _ending: false }));
};
