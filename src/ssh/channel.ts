import type { Answering, RemoteProcess, RunOptions } from '#recipe/remote.ts';
import { takeGroup } from './process-group.ts';

interface Collected {
  readonly stdout: string;
  readonly stderr: string;
  readonly ending: Awaited<RemoteProcess['exit']>;
}

/**
 * Feeds stdin, gathers the output, and waits for the channel to close.
 * @param found hears the number of the process group, where the command tells it
 */
export const collect = async (
  { stdin: input, stdout: output, stderr: errors, exit }: RemoteProcess,
  { stdin, onOutput, answers }: RunOptions,
  found: ((group: number) => void) | undefined,
): Promise<Collected> => {
  const reply = replying(answers ?? [], (line) => void input.write(`${line}\n`));
  const [stdout, stderr] = [gather(), gather()];
  const hear = (stream: 'stdout' | 'stderr', gathered: Gathered) => (text: string) => {
    const output = withoutQuestions(text, answers ?? []);
    gathered.take(output);
    if (output !== '') onOutput?.(stream, output);
    reply(stream, text);
  };
  const told = found && takeGroup(found, hear('stderr', stderr));
  output.setEncoding('utf8').on('data', hear('stdout', stdout));
  errors.setEncoding('utf8').on('data', told?.write ?? hear('stderr', stderr));
  if (stdin !== undefined) input.end(stdin);
  const ending = await exit;
  told?.end();
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

const withoutQuestions = (text: string, answers: readonly Answering[]): string =>
  answers.reduce((rest, { when, ours }) => (ours && typeof when === 'string' ? rest.replaceAll(when, '') : rest), text);

type Gathered = ReturnType<typeof gather>;

const gather = () => {
  let text = '';
  return {
    take: (chunk: string): void => {
      if (text.length < OUTPUT_LIMIT) text += chunk;
    },
    text: () => text,
  };
};

/** Characters of one command's output that are kept; what is beyond is shown but not kept. */
const OUTPUT_LIMIT = 16 * 1024 * 1024;
