import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyEvents } from '#report/apply.ts';
import { drawFrame, drawPhase } from '#report/frame.ts';
import { createPaint } from '#report/paint.ts';
import { createScreen } from '#report/screen.ts';
import { cut, displayWidth } from '#report/text.ts';
import { emptyView } from '#report/view.ts';
import { anyFact, at, time } from './events.ts';
import { Terminal } from './terminal.ts';

const batches = fc.array(fc.array(anyFact, { maxLength: 8 }), { minLength: 1, maxLength: 6 });
const size = fc.record({
  columns: fc.integer({ min: 1, max: 130 }),
  rows: fc.integer({ min: 1, max: 40 }),
  color: fc.boolean(),
});

test('whatever happens, a frame fits the terminal and carries no control characters but colours', () => {
  fc.assert(
    fc.property(batches, size, (facts, { columns, rows, color }) => {
      let view = emptyView;
      let seconds = 0;
      for (const batch of facts) {
        seconds += 0.3;
        view = applyEvents(
          view,
          batch.map((fact) => at(seconds, fact)),
        );
        const canvas = { columns, rows, now: time(seconds), paint: createPaint(color) };
        const lines = drawFrame(view, canvas);
        expect(lines.length).toBeLessThan(Math.max(rows, 1));
        for (const line of [
          ...lines,
          ...view.phases.map((phase) => cut(drawPhase(phase, view, canvas), columns - 1)),
        ]) {
          expect(displayWidth(line)).toBeLessThan(columns);
          expect(line.replace(color ? /\x1b\[\d+m/g : '', '')).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
        }
      }
    }),
  );
});

test('the live lines never leave a trace: what is over stands in order, once, and the cursor is back', () => {
  const word = fc.stringMatching(/^[a-z]{1,8}$/);
  const frame = fc.record({ above: fc.array(word, { maxLength: 4 }), live: fc.array(word, { maxLength: 9 }) });
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 20 }),
      fc.integer({ min: 10, max: 30 }),
      fc.integer({ min: 2, max: 12 }),
      (frames, columns, rows) => {
        const terminal = new Terminal(columns, rows);
        const screen = createScreen(terminal, { columns: () => columns, rows: () => rows });
        for (const { above, live } of frames) {
          const shown = live.slice(0, rows - 1).map((line) => `~${line}`);
          screen.draw(above, shown);
          expect(terminal.lines.slice(-shown.length || terminal.lines.length)).toEqual(shown);
        }
        screen.end(['the end']);
        expect(terminal.lines).toEqual([...frames.flatMap(({ above }) => above), 'the end']);
        expect(terminal).toMatchObject({ cursorHidden: false, wrapped: 0 });
      },
    ),
  );
});

test('a terminal made narrower breaks the old lines, and they are still taken away', () => {
  const terminal = new Terminal(40, 10);
  let columns = 40;
  const screen = createScreen(terminal, { columns: () => columns, rows: () => 10 });
  screen.draw(['over'], ['x'.repeat(39)]);
  columns = 20;
  screen.draw([], ['y']);
  expect(terminal.bytes).toContain('\x1b[2A');
});
