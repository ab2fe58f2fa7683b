import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLineBuffer, printable } from '#report/printable.ts';
import { cut, displayWidth, padEnd, padStart, wrap } from '#report/text.ts';

test('wide characters take two columns, combining marks and colours none', () => {
  expect(['shop', '商店', 'é', 'e\u0301', '👍', '\x1b[31mred\x1b[39m', '━…✔'].map(displayWidth)).toEqual([
    4, 4, 1, 1, 2, 3, 3,
  ]);
});

test('what is cut ends in an ellipsis and closes its colours', () => {
  expect(cut('abcdef', 6)).toBe('abcdef');
  expect(cut('abcdef', 5)).toBe('abcd…');
  expect(cut('商店街', 5)).toBe('商店…');
  expect(cut('商店街', 4)).toBe('商…');
  expect(cut('\x1b[31mabcdef\x1b[39m', 4)).toBe('\x1b[31mabc…\x1b[0m');
  expect(cut('abc', 0)).toBe('');
});

test('text is padded by columns, not by characters', () => {
  expect([padEnd('商', 4), padStart('商', 4), padEnd('abc', 2)]).toEqual(['商  ', '  商', 'abc']);
});

test('lines are broken at spaces, long words where they must', () => {
  expect(wrap('the quick brown fox', 10)).toEqual(['the quick', 'brown fox']);
  expect(wrap('abcdefghij', 4)).toEqual(['abcd', 'efgh', 'ij']);
  expect(wrap('one\ntwo', 10)).toEqual(['one', 'two']);
});

test('nothing that was cut or wrapped is wider than asked for', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 2, max: 40 }), (text, width) => {
      const line = printable(text);
      expect(displayWidth(cut(line, width))).toBeLessThanOrEqual(width);
      for (const part of wrap(line, width)) expect(displayWidth(part)).toBeLessThanOrEqual(width);
    }),
  );
});

test('a remote program cannot move the cursor', () => {
  expect(printable('\x1b[2J\x1b[Hhello \x1b[31mred\x1b[0m')).toBe('hello red');
  expect(printable('\x1b]0;title\x07text\x1bc')).toBe('text');
  expect(printable('bell\x07 del\x7f c1\x85 \u202eright to left')).toBe('bell^G del^? c1\\x85 \\u202eright to left');
  expect(printable('10 %\r50 %\r100 %\r')).toBe('100 %');
  expect(printable('a\tb')).toBe('a       b');
});

test('no text leaves a control character behind', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(printable(text)).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
    }),
  );
});

test('lines are complete however the chunks are cut, and each source has its own', () => {
  const buffer = createLineBuffer();
  expect(buffer.push('a', 'one\ntw')).toEqual(['one']);
  expect(buffer.push('b', 'other\n')).toEqual(['other']);
  expect(buffer.push('a', 'o\r\nthr')).toEqual(['two']);
  expect(buffer.flush('a')).toEqual([['a', 'thr']]);
  expect(buffer.flush('')).toEqual([]);
});

test('progress without newlines does not pile up', () => {
  const buffer = createLineBuffer();
  for (let percent = 0; percent < 100; percent++) expect(buffer.push('a', `\r${percent} %`)).toEqual([]);
  expect(buffer.push('a', '\r\n')).toEqual(['99 %']);
  expect(buffer.push('b', 'x'.repeat(70_000))).toHaveLength(1);
});
