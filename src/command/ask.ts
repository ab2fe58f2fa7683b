import type { Readable, Writable } from 'node:stream';
import type { AskOptions } from '#recipe/ask.ts';
import type { Ask } from '#recipe/setting.ts';
import { UserError } from '#recipe/user-error.ts';

export interface Terminal {
  readonly stdin: Readable & { isTTY?: boolean; setRawMode?(raw: boolean): unknown };
  /** Where questions are written: never into the events of `--format json`. */
  readonly out: Writable & { isTTY?: boolean };
  /** Answers every question that has a default with it. */
  readonly yes: boolean;
  /** Takes the live display away while the person types. */
  readonly suspend: () => () => void;
  /** What Ctrl-C does while the terminal is raw and makes no signal of it. */
  readonly interrupt: () => void;
  readonly signal: AbortSignal;
}

/** Asks the person at the terminal, one question at a time. Without a terminal the default is the answer, or the question an error. */
export const makeAsk = (terminal: Terminal): Ask => {
  let last: Promise<unknown> = Promise.resolve();
  return (question, options = {}) => {
    const { default: fallback } = options;
    if (fallback !== undefined && (terminal.yes || !isInteractive(terminal))) return Promise.resolve(fallback);
    if (!isInteractive(terminal))
      return Promise.reject(
        new UserError(
          `'${question}' cannot be asked: there is no terminal. Give the value in the configuration or by --set`,
        ),
      );
    const answer = last.then(() => askNow(terminal, question, options));
    last = answer.catch(() => {});
    return answer;
  };
};

/** Whether somebody is there to answer. */
export const isInteractive = ({ stdin, out }: Pick<Terminal, 'stdin' | 'out'>): boolean =>
  stdin.isTTY === true && out.isTTY === true;

const askNow = async (terminal: Terminal, question: string, { hidden = false, default: fallback }: AskOptions) => {
  const { out, signal, suspend } = terminal;
  signal.throwIfAborted();
  const resume = suspend();
  const prompt = `${question}${fallback === undefined ? '' : ` [${hidden ? '…' : fallback}]`}: `;
  try {
    const line = await readLine(terminal, hidden, () => out.write(prompt));
    return line === '' && fallback !== undefined ? fallback : line;
  } finally {
    if (hidden) out.write('\n');
    resume();
  }
};

/** One line of the terminal; it is raw while what is typed shall not show, from before the question: somebody may answer at once. */
const readLine = ({ stdin, signal, interrupt }: Terminal, hidden: boolean, question: () => void): Promise<string> =>
  new Promise((resolve, reject) => {
    let typed = '';
    const end = (settle: () => void) => {
      stdin.off('data', take);
      stdin.off('end', ended);
      signal.removeEventListener('abort', aborted);
      if (hidden) stdin.setRawMode?.(false);
      stdin.pause();
      settle();
    };
    const aborted = () => end(() => reject(new UserError('interrupted')));
    const ended = () => end(() => reject(new UserError('the terminal was closed before the answer')));
    const take = (chunk: Buffer) => {
      for (const key of String(chunk)) {
        if (key === '\u0003') return interrupt();
        if (key === '\u0004' && typed === '') return ended();
        if (key === '\r' || key === '\n') return end(() => resolve(typed));
        typed = key === '\u007f' || key === '\b' ? typed.slice(0, -1) : typed + key;
      }
    };
    if (hidden) stdin.setRawMode?.(true);
    question();
    signal.addEventListener('abort', aborted);
    stdin.on('data', take);
    stdin.on('end', ended);
    stdin.resume();
  });
