import type { HostError, HostSummary } from '#protocol/events.ts';
import { describeCause } from './cause.ts';
import { nameHosts } from './host-names.ts';
import { createPaint } from './paint.ts';
import { printable, printableLines } from './printable.ts';
import { fitWidths, formatTable, naturalWidths } from './table.ts';
import { wrap } from './text.ts';
import { plural } from './units.ts';

/** Every failed host with what failed, the command and its last output: a table where it is readable, else a block a host. Equal failures share a row. */
export const formatFailures = (
  hosts: readonly HostSummary[],
  { columns, color }: { columns: number; color: boolean },
): string[] => {
  const groups = groupFailures(hosts);
  const shown = groups.slice(0, MOST_GROUPS);
  const rows = shown.map(toRow);
  const [header = [], ...cells] = dropEmpty(rows);
  const lines = fitsTable([header, ...cells], columns)
    ? formatTable(cells, { header, columns, color }).split('\n')
    : rows.flatMap((row, index) => [...(index > 0 ? [''] : []), ...toBlock(row, columns, color)]);
  const left = groups.slice(MOST_GROUPS).reduce((sum, group) => sum + group.hosts.length, 0);
  return left > 0 ? [...lines, '', `… and ${plural(left, 'more failed host')}`] : lines;
};

/** Failures that differ in nothing but the host and addresses, together; of their output, the numbers may differ too. */
const groupFailures = (hosts: readonly HostSummary[]): Group[] => {
  const groups = new Map<string, Group>();
  for (const { host, error } of hosts) {
    if (!error) continue;
    const key = likeness(host, error);
    const group = groups.get(key);
    const { output = '' } = error;
    if (group) {
      group.hosts.push(host);
      group.outputs.add(output);
    } else groups.set(key, { hosts: [host], error, outputs: new Set([output]) });
  }
  return [...groups.values()];
};

interface Group {
  readonly hosts: string[];
  /** That of the first. */
  readonly error: HostError;
  readonly outputs: Set<string>;
}

const MOST_GROUPS = 25;
const MOST_LINES = 10;
const HEADER = ['host', 'what failed', 'command', 'last output'];
/** Below this many columns a command or its output is no pleasure to read. */
const READABLE = 32;

const likeness = (host: string, error: HostError): string => {
  const { code, task, message, command = '', output = '', exitCode, signal } = error;
  const same = (text: string) => text.replaceAll(host, '<host>').replace(/\b(\d+\.){3}\d+\b(:\d+)?/g, '<address>');
  const alike = same(output).replace(/\d+/g, '#');
  return JSON.stringify([code, task, exitCode, signal, same(message), same(command), alike]);
};

const toRow = ({ hosts, error, outputs }: Group): string[] => {
  const cause = hosts.length > 1 ? describeCause(error).replace(/ \(\S+:\d+\)$/, '') : describeCause(error);
  const what = `${printable(error.task)}: ${printableLines(cause).join('\n')}`;
  const said = printableLines(error.output ?? '').filter((line) => line.trim() !== '');
  const output = [...(outputs.size > 1 ? [`(of ${hosts[0]})`] : []), ...said.slice(-MOST_LINES)];
  return [nameHosts(hosts), what, printableLines(error.command ?? '').join('\n'), output.join('\n')];
};

const fitsTable = (rows: readonly string[][], columns: number): boolean => {
  const natural = naturalWidths(rows);
  return fitWidths(natural, columns).every((width, column) => width >= Math.min(natural[column] ?? 0, READABLE));
};

/** Without the columns that hold nothing in any row. */
const dropEmpty = (rows: readonly string[][]): string[][] => {
  const kept = HEADER.map((_, column) => rows.some((row) => row[column] !== ''));
  return [HEADER, ...rows].map((row) => row.filter((_, column) => kept[column]));
};

const toBlock = ([host = '', what = '', command = '', output = '']: string[], columns: number, color: boolean) => {
  const paint = createPaint(color);
  const part = (text: string, mark: string): string[] => (text === '' ? [] : wrap(text, columns - 4 - mark.length));
  const shell = firstLines(part(command, '$ ')).map((line, index) => `    ${index === 0 ? '$' : ' '} ${line}`);
  return [
    ...wrap(host, columns - 2).map((line) => `  ${paint.bold(line)}`),
    ...firstLines(part(what, '')).map((line) => `    ${line}`),
    ...shell,
    ...part(output, '| ')
      .slice(-2 * MOST_LINES)
      .map((line) => paint.dim(`    | ${line}`)),
  ];
};

const firstLines = (lines: string[]): string[] => {
  const more = lines.length - MOST_LINES;
  return more > 0 ? [...lines.slice(0, MOST_LINES), `… (${plural(more, 'more line')})`] : lines;
};
