import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatTable } from '#report/table.ts';
import { displayWidth } from '#report/text.ts';

test('columns are as wide as their widest cell', () => {
  expect(
    formatTable(
      [
        ['deploy:check', 'Check the hosts'],
        ['商店', 'x'],
      ],
      { header: ['task', 'what'], columns: 80, color: false },
    ),
  ).toBe(['task          what', 'deploy:check  Check the hosts', '商店          x'].join('\n'));
});

test('the widest columns give way, and rows of several lines stand apart', () => {
  expect(
    formatTable(
      [
        ['web01', 'a command that is too long'],
        ['web02', 'short'],
      ],
      { columns: 20, color: false },
    ),
  ).toBe(['web01  a command', '       that is too', '       long', '', 'web02  short'].join('\n'));
});

test('an empty table is nothing, one without rows its header', () => {
  expect(formatTable([], { columns: 80, color: false })).toBe('');
  expect(formatTable([], { header: ['host'], columns: 80, color: false })).toBe('host');
});

test('no line is wider than the terminal', () => {
  const cells = fc.array(fc.array(fc.string({ maxLength: 60 }), { minLength: 3, maxLength: 3 }), { maxLength: 6 });
  fc.assert(
    fc.property(cells, fc.integer({ min: 1, max: 120 }), (rows, columns) => {
      for (const line of formatTable(rows, { columns, color: false }).split('\n')) {
        expect(displayWidth(line)).toBeLessThanOrEqual(columns);
      }
    }),
  );
});
