import { begunMark } from '#ssh/begun-mark.ts';

/**
 * What `ssh` does not tell, the host's shell says on stderr: that a channel is open, with the number of its process group;
 * and an exit code of 255, which is also ssh's own for everything that went wrong. ssh does not pass on the names of signals:
 * the shell says those that can be caught, so what ends without a word was killed by the one that cannot.
 */
export const withMarks = (text: string): string =>
  [
    `echo ${OPEN}$$ >&2`,
    'rookery_t=',
    ...CAUGHT.map(({ name }) => `trap rookery_t=${name} ${name}`),
    `(\n${text}\n)`,
    'rookery_s=$?',
    `case $rookery_s$rookery_t in 255*) echo ${EXIT}255 >&2 ;; ${CAUGHT.map(({ name, code }) => `${code}${name}) echo ${EXIT}${name} >&2 ;;`).join(' ')} esac`,
    'exit $rookery_s',
  ].join('\n');

const OPEN = 'rookery-open:';
const EXIT = 'rookery-exit:';

const CAUGHT = [
  { name: 'HUP', code: 129 },
  { name: 'INT', code: 130 },
  { name: 'TERM', code: 143 },
];

export interface Marks {
  /** The process group, once the channel is open. */
  readonly group?: number;
  /** An exit code of the command's own, or the name of a signal. */
  readonly exit?: string;
}

/** Takes the marks out of what comes on stderr; a noisy profile may come before the first. */
export const makeMarkReader = () => {
  let held = '';
  let marks: Marks = {};
  return {
    marks: (): Marks => marks,
    /** What of it is the command's. Text is one character a byte. */
    take: (text: string): string => {
      held += text;
      if (marks.group === undefined) {
        const [mark, group] = held.match(/rookery-open:(\d+)\n/) ?? [];
        if (mark === undefined) return '';
        marks = { group: Number(group) };
        held = held.replace(mark, '');
      }
      const [mark, exit] = held.match(/rookery-exit:(255|[A-Z]+)\n/) ?? [];
      if (mark !== undefined && exit !== undefined) {
        marks = { ...marks, exit };
        held = held.replace(mark, '');
      }
      const keep = unfinished(held);
      const passed = held.slice(0, held.length - keep);
      held = held.slice(held.length - keep);
      return passed;
    },
    /** What was held back and is none. */
    rest: (): string => held,
  };
};

/** Characters at the end of a text that may be the beginning of a mark. */
const unfinished = (text: string): number => {
  const begun = text.lastIndexOf(EXIT);
  if (begun !== -1 && !text.includes('\n', begun)) return text.length - begun;
  return begunMark(text, EXIT);
};
