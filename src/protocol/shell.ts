/**
 * Commands for a POSIX sh, as values. An array of arguments is quoted by us; raw shell text is a separate, visible
 * thing made by `sh`; a `script` is a batch of named steps that costs one round trip and still says which step failed.
 */
export type Command = readonly string[] | ShellText;

export interface ShellText {
  readonly kind: 'shell';
  readonly text: string;
  /** Names of the steps of a script, by the number that its failure marker carries. */
  readonly steps?: readonly string[];
}

export interface Step {
  /** What the step does, in words for the failure table: "link shared/log". */
  readonly name: string;
  readonly command: Command;
}

/** Quotes one word for sh: what goes in is what the command gets, whatever bytes (but NUL) it holds. */
export const quote = (word: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** The text that sh runs for a command. */
export const shellText = (command: Command): string =>
  isShellText(command) ? command.text : command.map(quote).join(' ');

/**
 * The line for a user's login shell, which need not be a POSIX one, that runs a text by sh. Inside of quotes fish reads
 * backslashes, csh reads `!` and no line ends, and takes words of 1,024 characters: so what is not plain goes as
 * octal numbers, in short words, and sh puts it together.
 */
export const loginLine = (text: string): string => {
  const quoted = quote(text);
  if (quoted.length <= 1000 && !/[^ -~]|[\\!]/.test(text)) return `exec /bin/sh -c ${quoted}`;
  const plain = text.replace(/[^ -~]|[\\!']/gu, inOctal);
  const words = plain.match(/(\\0\d{3}|[^\\]){1,200}/g) ?? []; // a number is whole: fish reads a backslash before a quote
  return `exec /bin/sh -c ${REASSEMBLE} /bin/sh ${words.map((word) => `'${word}'`).join(' ')}`;
};

const inOctal = (character: string): string =>
  Array.from(new TextEncoder().encode(character), (byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join('');

const REASSEMBLE = `'c=$(IFS=; printf %b "$*"); set --; eval "$c"'`;

/**
 * Raw shell text; `${values}` are quoted, arrays word by word, other shell text is put in as it is. Backslashes reach
 * the shell as written, but for `\\${` and a backslash before a backtick, which JavaScript needs.
 */
export const sh = (parts: TemplateStringsArray, ...values: readonly (string | number | Command)[]): ShellText => ({
  kind: 'shell',
  text: String.raw({ raw: parts.raw.map((part) => part.replace(/\\(\$\{|`)/g, '$1')) }, ...values.map(interpolated)),
});

/**
 * An argument list that reads like a command line: words are separated by white space, and a `${value}` is one word or
 * part of one, whatever it holds; a list is as many words. No quoting, no expansion: for those there is `sh`.
 */
export const cmd = (
  parts: TemplateStringsArray,
  ...values: readonly (string | number | readonly string[])[]
): string[] => {
  const words: string[] = [];
  let open = false; // the last word goes on
  const extend = (text: string) => {
    if (open) words.push(`${words.pop()}${text}`);
    else words.push(text);
    open = true;
  };
  parts.forEach((part, index) => {
    for (const piece of part.split(/(\s+)/)) {
      if (/^\s+$/.test(piece)) open = false;
      else if (piece !== '') extend(piece);
    }
    const value = values[index];
    if (typeof value === 'object')
      value.forEach((word, at) => {
        if (at > 0) open = false;
        extend(word);
      });
    else if (value !== undefined) extend(String(value));
  });
  return words;
};

/** One batch: the steps run in order in one shell; the first that fails ends it, and `failedStep` finds its name. */
export const script = (steps: readonly Step[]): ShellText => ({
  kind: 'shell',
  text: steps.map(stepText).join('\n'),
  steps: steps.map((step) => step.name),
});

/** The step that failed, from the marker in what a script wrote to stderr, and that output without the marker. */
export const failedStep = (command: Command, stderr: string): { step?: string; stderr: string } => {
  const match = stderr.match(MARKER);
  if (!match) return { stderr };
  const step = isShellText(command) ? command.steps?.[Number(match[1])] : undefined;
  return { ...(step === undefined ? {} : { step }), stderr: stderr.replace(MARKER, '') };
};

const MARKER = /rookery-step-failed:(\d+)\n/;

/** The steps of a script without what joins them, for people; other text as it is. */
export const readableSteps = (text: string): string[] =>
  text
    .replace(/^\{ /, '')
    .split(STEP_END)
    .map((step) => step.trim())
    .filter((step) => step !== '');

const STEP_END = /\n\} \|\| \{ s=\$\?; echo rookery-step-failed:\d+ >&2; exit \$s; \}(?:\n\{ |\n?$)/;

/** A step runs in the script's own shell, so that variables and umask reach the next one. */
const stepText = (step: Step, index: number): string =>
  `{ ${shellText(step.command)}\n} || { s=$?; echo rookery-step-failed:${index} >&2; exit $s; }`;

const interpolated = (value: string | number | Command): string =>
  typeof value === 'object' ? shellText(value) : quote(String(value));

const isShellText = (command: Command): command is ShellText => 'kind' in command;
