import { type Command, type ShellText, sh } from '#protocol/shell.ts';

// Every program that a host starts takes it about a millisecond, and a deploy has dozens: what is in order already needs none.

/** Makes the directories that are missing. */
export const ensure = (directories: readonly string[]): Command => {
  const present = directories.map((path) => sh`[ -d ${path} ]`.text).join(' && ');
  return { kind: 'shell', text: `{ ${present}; } || ${sh`mkdir -p ${directories}`.text}` };
};

/** Removes what is there, whatever it is. */
export const clear = (path: string): ShellText => sh`{ { [ ! -e ${path} ] && [ ! -L ${path} ]; } || rm -rf ${path}; }`;

/** Writes a builtin's words into a file, whose name may be shell text; where that fails once more by `cat`, which tells a full disk as such: dash's own printf says "I/O error". */
export const store = (words: Command, file: string | ShellText): Command => into(sh`>`, words, file);

/** Adds them at its end, likewise. */
export const append = (words: Command, file: string): Command => into(sh`>>`, words, file);

const into = (redirection: ShellText, words: Command, file: string | ShellText): Command =>
  sh`{ { ${words} ${redirection} ${file}; } 2>/dev/null || ${words} | cat ${redirection} ${file}; }`;
