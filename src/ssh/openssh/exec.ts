import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough, type Readable, Transform } from 'node:stream';
import { loginLine, sh, shellText } from '#protocol/shell.ts';
import type { RemoteProcess } from '#recipe/remote.ts';
import { ChannelRefused } from '#ssh/link.ts';
import { signalGroup } from '#ssh/process-group.ts';
import { makeMarkReader, withMarks } from './exit-marks.ts';
import { clientWords } from './options.ts';
import { runSsh } from './program.ts';

/** Where commands of a host go. */
export interface Way {
  /** Control socket of the master. */
  readonly socket: string;
  readonly alias: string;
  readonly forwardAgent: boolean;
  readonly gone: Promise<unknown>;
}

/** Runs a text on the host by an `ssh` that is a client of the master. @throws as `Link.exec` */
export const execOver = (way: Way, text: string): Promise<RemoteProcess> =>
  new Promise((resolve, reject) => {
    const agent = way.forwardAgent ? ['-o', 'ForwardAgent=yes'] : [];
    const words = [...clientWords(way.socket), ...agent, '--', way.alias, loginLine(withMarks(text))];
    const child = spawn('ssh', words, { detached: true, stdio: 'pipe' });
    const reader = makeMarkReader();
    const stdout = child.stdout.pipe(new PassThrough()); // Node throws away what is not read when a program ends
    const stderr = child.stderr.pipe(unmarked(reader, () => resolve(program)));
    child.stdin.on('error', () => {}); // the command has ended; its end tells
    child.once('error', reject);
    const ended = once(child, 'close').then(async ([code]) => {
      const { group } = reader.marks();
      const words = group === undefined ? reader.rest() : '';
      if (code === 255 && /session request failed/.test(words)) throw new ChannelRefused();
      const end = await judge(code as number | null, reader.marks().exit, way);
      if (group === undefined && end.exitCode === null) throw new Error('the connection was lost');
      return end;
    });
    const exit = ended.then(async (end) => {
      await Promise.all([drained(stdout), drained(stderr)]);
      return end;
    });
    const program: RemoteProcess = {
      ...{ stdin: child.stdin, stdout, stderr, exit },
      signal: (name) => void signalTo(way, reader.marks().group, name),
    };
    ended.then(() => resolve(program), reject); // a login shell that is none never says that it began
    exit.catch(() => {}); // it has been told
  });

/** Takes the marks out of a stream, and tells of the one that says that the channel is open. */
const unmarked = (reader: ReturnType<typeof makeMarkReader>, opened: () => void): Transform =>
  new Transform({
    transform: (chunk: Buffer, _, done) => {
      const text = reader.take(chunk.toString('latin1'));
      if (reader.marks().group !== undefined) opened();
      done(null, Buffer.from(text, 'latin1'));
    },
    flush: (done) => done(null, Buffer.from(reader.rest(), 'latin1')),
  });

/** ssh says 255 for its own failures, for a command's 255, and for every signal. */
const judge = async (
  code: number | null,
  mark: string | undefined,
  { socket, alias, gone }: Way,
): Promise<Awaited<RemoteProcess['exit']>> => {
  if (mark !== undefined && mark !== '255') return { exitCode: null, signal: `SIG${mark}` };
  if (mark === '255' || (code !== null && code !== 255)) return { exitCode: code, signal: null };
  const { exitCode } = await runSsh([...clientWords(socket), '-O', 'check', '--', alias]);
  if (exitCode === 0) return { exitCode: null, signal: 'SIGKILL' };
  await gone; // with its last words
  return { exitCode: null, signal: null };
};

/** What nobody reads is let go. */
const drained = async (stream: Readable): Promise<void> => {
  if (stream.readableFlowing === null) stream.resume();
  if (!stream.readableEnded && !stream.destroyed) await once(stream, 'close');
};

/** OpenSSH's client sends no signals: another command does. */
const signalTo = async (way: Way, group: number | undefined, name: 'TERM' | 'KILL' | 'INT'): Promise<void> => {
  if (group === undefined) return;
  const kill = sh`exec </dev/null >/dev/null 2>&1; ${signalGroup(group, name)}`;
  const killer = await execOver(way, shellText(kill)).catch(() => undefined);
  await killer?.exit.catch(() => {});
};
