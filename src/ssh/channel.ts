import type { ClientChannel } from 'ssh2';
import type { Answering, RunOptions } from '#recipe/remote.ts';
import { takeGroup } from './process-group.ts';

/** A command's channel. Its end is listened for from the start: a quick command ends in the packet that opens it. */
export interface Opened {
  readonly channel: ClientChannel;
  readonly end: Promise<ChannelEnd>;
}

interface ChannelEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

interface Collected {
  readonly stdout: string;
  readonly stderr: string;
  readonly ending: ChannelEnd;
}

/** Feeds stdin, gathers the output, and waits for the channel to close. */
export const collect = async (
  { channel, end }: Opened,
  { stdin, onOutput, answers }: RunOptions,
  found: (group: number) => void,
): Promise<Collected> => {
  const reply = replying(answers ?? [], (line) => void channel.write(`${line}\n`));
  const heard = (stream: 'stdout' | 'stderr') => (text: string) => {
    onOutput?.(stream, text);
    reply(stream, text);
  };
  const stdout = gather(heard('stdout'));
  const stderr = gather(heard('stderr'));
  const told = takeGroup(found, stderr.take);
  channel.setEncoding('utf8').on('data', stdout.take);
  channel.stderr.setEncoding('utf8').on('data', told.write);
  channel.on('error', () => {}); // a write to a command that has ended; its exit code tells
  if (stdin !== undefined) channel.end(stdin);
  const ending = await end;
  told.end();
  return { ending, stdout: stdout.text(), stderr: stderr.text() };
};

/** Gives a command the reply to what it asks. Each text is answered as often as it shows up; what was answered is not looked at again. */
const replying = (answers: readonly Answering[], say: (line: string) => void) => {
  const unanswered = { stdout: '', stderr: '' };
  return (stream: 'stdout' | 'stderr', text: string): void => {
    if (answers.length === 0) return;
    unanswered[stream] = (unanswered[stream] + text).slice(-QUESTION_LIMIT);
    for (const { when, reply } of answers) {
      const found = typeof when === 'string' ? unanswered[stream].indexOf(when) : unanswered[stream].search(when);
      if (found === -1) continue;
      unanswered[stream] = '';
      if (typeof reply === 'string') say(reply);
      else void reply().then(say, () => say('')); // nobody answers: the command gets an empty line and tells what it makes of it
      return;
    }
  };
};

/** Characters in which a question is looked for. */
const QUESTION_LIMIT = 4096;

const gather = (tell: (text: string) => void) => {
  let text = '';
  return {
    take: (chunk: string): void => {
      if (text.length < OUTPUT_LIMIT) text += chunk;
      tell(chunk);
    },
    text: () => text,
  };
};

/** Characters of one command's output that are kept; what is beyond is shown but not kept. */
const OUTPUT_LIMIT = 16 * 1024 * 1024;

/** How the command ended; neither code nor signal where the connection was lost. */
export const channelEnd = (channel: ClientChannel): Promise<ChannelEnd> =>
  new Promise((resolve) => {
    let end: ChannelEnd = { exitCode: null, signal: null };
    channel.on('exit', (exitCode: number | null, signal?: string) => {
      end = { exitCode, signal: signal ? `SIG${signal.replace(/^SIG/, '')}` : null };
    });
    channel.on('close', () => resolve(end));
  });
