import { createPaint } from './paint.ts';
import { cut, displayWidth, padEnd, wrap } from './text.ts';

/** How a table is laid out: at most `columns` wide, the header (if any) above it. */
export interface TableOptions {
  readonly header?: readonly string[];
  readonly columns: number;
  readonly color: boolean;
}

/** Rows as a text table: columns two spaces apart, wide cells wrapped, a blank line between rows of several lines; no newline at the end. */
export const formatTable = (rows: readonly (readonly string[])[], { header, columns, color }: TableOptions): string => {
  const all = header ? [header, ...rows] : rows;
  if (all.length === 0) return '';
  const widths = fitWidths(naturalWidths(all), columns);
  const laidOut = rows.map((row) => layOut(row, widths, columns));
  const between = laidOut.some((lines) => lines.length > 1) ? '\n\n' : '\n';
  const body = laidOut.map((lines) => lines.join('\n')).join(between);
  if (!header) return body;
  const { dim } = createPaint(color);
  return [...layOut(header, widths, columns).map(dim), ...(rows.length > 0 ? [body] : [])].join('\n');
};

/** The width of the widest line of every column. */
export const naturalWidths = (rows: readonly (readonly string[])[]): number[] => {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, ...cell.split('\n').map(displayWidth));
    });
  }
  return widths;
};

/** Widths that fit into `columns` with the gaps between them: the widest columns give way first. */
export const fitWidths = (widths: readonly number[], columns: number): number[] => {
  let space = columns - GAP.length * (widths.length - 1);
  const fitted = [...widths];
  const narrowFirst = widths.map((width, column) => ({ width, column })).sort((a, b) => a.width - b.width);
  narrowFirst.forEach(({ width, column }, index) => {
    const share = Math.floor(space / (narrowFirst.length - index));
    fitted[column] = Math.max(1, Math.min(width, share));
    space -= fitted[column];
  });
  return fitted;
};

const GAP = '  ';

const layOut = (row: readonly string[], widths: readonly number[], columns: number): string[] => {
  const cells = widths.map((width, column) => wrap(row[column] ?? '', width));
  const height = Math.max(...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    cut(
      cells
        .map((lines, column) => padEnd(lines[line] ?? '', widths[column] ?? 0))
        .join(GAP)
        .trimEnd(),
      columns,
    ),
  );
};
