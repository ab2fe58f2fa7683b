/** One line of a remote program's output, made harmless: no escape sequences, no control characters, the last part of `\r` progress. */
export const printable = (line: string): string => {
  if (HARMLESS.test(line)) return line;
  const shown = line
    .replace(ESCAPES, '')
    .replace(/\r+$/, '')
    .replace(/^[\s\S]*\r/, '');
  return expandTabs(shown).replace(CONTROL, visible);
};

/** Text as one harmless line. */
export const oneLine = (text: string): string => printable(text.replace(/\s*\n\s*/g, ' '));

/** Text of several lines, each made harmless. */
export const printableLines = (text: string): string[] => text.replace(/\n+$/, '').split('\n').map(printable);

/**
 * Complete lines out of chunks that end anywhere, one buffer a source. A line never waits longer than 64 kB: a program
 * that prints no newline at all must not fill the deployer's memory.
 */
export const createLineBuffer = () => {
  const rests = new Map<string, string>();
  return {
    push(source: string, text: string): string[] {
      const lines = ((rests.get(source) ?? '') + text).split('\n');
      const rest = (lines.pop() ?? '').replace(/^[\s\S]*\r(?=[^\r])/, '');
      if (rest.length > 65_536) lines.push(rest);
      if (rest === '' || rest.length > 65_536) rests.delete(source);
      else rests.set(source, rest);
      return lines.map(printable);
    },
    /** What is left of the sources whose name starts with `prefix`, as lines. */
    flush(prefix: string): [source: string, line: string][] {
      const left = [...rests].filter(([source]) => source.startsWith(prefix));
      for (const [source] of left) rests.delete(source);
      return left.map(([source, rest]) => [source, printable(rest)]);
    },
  };
};

const HARMLESS = /^[\x20-\x7e]*$/;
/** CSI; OSC, DCS, APC, PM and SOS up to their end; the two-character escapes. */
const ESCAPES =
  /(?:\x1b\[|\x9b)[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]|\x1b[\]PX^_][\s\S]*?(?:\x07|\x1b\\|$)|\x1b[\x20-\x2f]*[\x30-\x7e]/g;
/** C0 and C1 controls, line separators, and the marks that turn the direction of text around. */
const CONTROL = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

const visible = (symbol: string): string => {
  const code = symbol.charCodeAt(0);
  if (code < 0x20) return `^${String.fromCharCode(code + 0x40)}`;
  if (code === 0x7f) return '^?';
  return code < 0x100 ? `\\x${code.toString(16)}` : `\\u${code.toString(16)}`;
};

const expandTabs = (line: string): string => {
  if (!line.includes('\t')) return line;
  return line.split('\t').reduce((before, part) => `${before}${' '.repeat(8 - (before.length % 8))}${part}`);
};
