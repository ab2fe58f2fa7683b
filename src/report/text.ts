/**
 * Text as a terminal sees it: how many columns it takes and how to fit it. Escape sequences in what comes in here are
 * our own colours only; what remote programs print has been through printable.ts before.
 */

/** Columns that the text takes: colours none, combining marks none, East Asian wide characters and emoji two. */
export const displayWidth = (text: string): number => {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const symbol of symbols(text)) width += symbolWidth(symbol);
  return width;
};

/** The text cut to `width` columns, its last column an ellipsis where something was cut; colours are closed. */
export const cut = (text: string, width: number): string => {
  if (PLAIN.test(text) && text.length <= width) return text;
  if (width <= 0) return '';
  let used = 0;
  let kept = '';
  let room = '';
  let coloured = false;
  for (const symbol of symbols(text)) {
    coloured ||= symbol.startsWith(ESCAPE);
    used += symbolWidth(symbol);
    if (used > width) return `${room}…${coloured ? RESET : ''}`;
    kept += symbol;
    if (used <= width - 1) room = kept;
  }
  return text;
};

/** The text followed by spaces up to `width` columns. */
export const padEnd = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - displayWidth(text)));

/** The text preceded by spaces up to `width` columns. */
export const padStart = (text: string, width: number): string =>
  ' '.repeat(Math.max(0, width - displayWidth(text))) + text;

/** Uncoloured text as lines of at most `width` columns, broken at spaces where there are any in the second half of the line. */
export const wrap = (text: string, width: number): string[] =>
  text.split('\n').flatMap((line) => wrapLine(line, Math.max(2, width)));

const wrapLine = (line: string, width: number): string[] => {
  if (displayWidth(line) <= width) return [line];
  const lines: string[] = [];
  let current = '';
  let used = 0;
  for (const symbol of symbols(line)) {
    const size = symbolWidth(symbol);
    if (used + size > width) {
      const space = symbol === ' ' ? -1 : current.lastIndexOf(' ');
      const rest = space > current.length / 2 ? current.slice(space + 1) : '';
      lines.push(rest === '' ? current.trimEnd() : current.slice(0, space).trimEnd());
      current = rest;
      used = displayWidth(rest);
      if (symbol === ' ' && current === '') continue;
    }
    current += symbol;
    used += size;
  }
  return current.trim() === '' ? lines : [...lines, current.trimEnd()];
};

const ESCAPE = '\x1b';
const RESET = '\x1b[0m';
const PLAIN = /^[\x20-\x7e]*$/;
const SYMBOLS = /\x1b\[[\d;]*m|[\s\S]/gu;
const ZERO = /^[\p{M}\p{Cf}]$/u;

const symbols = (text: string): string[] => text.match(SYMBOLS) ?? [];

const symbolWidth = (symbol: string): number => {
  if (symbol.startsWith(ESCAPE)) return 0;
  const code = symbol.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (ZERO.test(symbol)) return 0;
  return isWide(code) ? 2 : 1;
};

/** Roughly Unicode's East Asian Width W and F, and the emoji planes. */
const isWide = (code: number): boolean =>
  code >= 0x1100 &&
  (code <= 0x115f ||
    (code >= 0x231a && code <= 0x231b) ||
    (code >= 0x23e9 && code <= 0x23f3) ||
    (code >= 0x2614 && code <= 0x2615) ||
    (code >= 0x2e80 && code <= 0x303e) ||
    (code >= 0x3041 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd));
