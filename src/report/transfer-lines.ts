import { formatCount } from '#recipe/format-count.ts';
import { rateAt } from './meter.ts';
import type { Paint } from './paint.ts';
import { printable } from './printable.ts';
import { cut, displayWidth, padEnd, padStart } from './text.ts';
import { goalOf, type HostTransfer, type Transfer, timeLeft } from './transfer.ts';
import { formatBytes, formatPercent, formatRate, formatSeconds, plural } from './units.ts';

/** A transfer in at most `space` lines: one for the fleet, and below it the hosts, or the slowest of many. */
export const drawTransfer = (
  transfer: Transfer,
  space: number,
  { columns, now, paint }: { columns: number; now: number; paint: Paint },
): string[] => {
  const { hosts, hidden } = chooseHosts(transfer, Math.max(0, space - 1));
  const fleet = `${formatCount(transfer.done)}/${plural(transfer.hosts.size, 'host')}`;
  const names = Math.max(displayWidth(fleet), ...hosts.map(([host]) => displayWidth(host)));
  const layout = { names: Math.min(names, Math.floor(columns / 3)), bar: barWidth(columns), now, paint, columns };
  const lines = [
    drawFleet(transfer, fleet, layout),
    ...hosts.map(([host, state]) => drawHost(printable(host), state, transfer.bytes, layout)),
  ];
  return (
    hidden > 0 && space > lines.length ? [...lines, paint.dim(`    … and ${formatCount(hidden)} more`)] : lines
  ).slice(0, Math.max(0, space));
};

/** What is known of the fleet's transfer in words, the least important last: for one line of a log too. */
export const describeFleet = (transfer: Transfer, now: number): { text: string; rank: number }[] => {
  const { total, pieces, hosts, failed } = transfer;
  const rate = rateAt(transfer.meter, now);
  const left = transfer.ended ? undefined : timeLeft(transfer, now);
  const allPieces = formatCount(pieces * hosts.size);
  const goal = formatBytes(goalOf(transfer));
  return [
    { text: `${padStart(formatCount(total.pieces), allPieces.length)}/${allPieces} pieces`, rank: 4 },
    { text: `${shareOf(total.bytes, goal)} of ${goal}`, rank: 3 },
    { text: rate === undefined || transfer.ended ? '' : formatRate(rate), rank: 2 },
    {
      text:
        left === undefined || left === 0
          ? ''
          : `${formatSeconds(left < 10 ? Math.ceil(left) : left).replace('.0 ', ' ')} left`,
      rank: 1,
    },
    { text: failed > 0 ? `${formatCount(failed)} failed` : '', rank: 0 },
  ].filter(({ text }) => text !== '');
};

const HOSTS_SHOWN = 8;

/** All hosts while they are few; otherwise the slowest that are still at it, in the order of the inventory so that they do not jump about. */
const chooseHosts = (transfer: Transfer, space: number): { hosts: [string, HostTransfer][]; hidden: number } => {
  const all = [...transfer.hosts];
  if (all.length <= Math.min(HOSTS_SHOWN, space)) return { hosts: all, hidden: 0 };
  const slowest = all
    .filter(([, { done }]) => !done)
    .sort(([, a], [, b]) => a.bytes - b.bytes || a.index - b.index)
    .slice(0, Math.max(0, Math.min(HOSTS_SHOWN, space - 1)))
    .sort(([, a], [, b]) => a.index - b.index);
  return { hosts: slowest, hidden: slowest.length === 0 ? 0 : all.length - slowest.length };
};

interface Layout {
  readonly names: number;
  readonly bar: number;
  readonly now: number;
  readonly columns: number;
  readonly paint: Paint;
}

const drawFleet = (transfer: Transfer, label: string, layout: Layout): string => {
  const { names, bar, now, paint, columns } = layout;
  const goal = goalOf(transfer);
  const start = `    ${padEnd(cut(label, names), names)}  ${drawBar(transfer.total.bytes, goal, bar, paint)} ${padStart(formatPercent(transfer.total.bytes, goal), 5)}`;
  let parts = describeFleet(transfer, now);
  const used = displayWidth(start);
  const width = () => parts.reduce((sum, { text }) => sum + 2 + displayWidth(text), used);
  while (parts.length > 0 && width() > columns - 1) {
    const least = Math.max(...parts.map(({ rank }) => rank));
    parts = parts.filter(({ rank }) => rank !== least);
  }
  return [start, ...parts.map(({ text, rank }) => (rank === 0 ? paint.red(text) : text))].join('  ');
};

const drawHost = (host: string, state: HostTransfer, goal: number, { names, bar, now, paint }: Layout): string => {
  const rate = rateAt(state.meter, now);
  const bytes = padStart(formatBytes(state.bytes), 8);
  const end = state.done ? paint.green('✔') : rate === undefined ? '' : padStart(formatRate(rate), 10);
  const share = padStart(formatPercent(state.bytes, goal), 5);
  return `    ${padEnd(cut(host, names), names)}  ${drawBar(state.bytes, goal, bar, paint)} ${share}  ${bytes}  ${end}`.trimEnd();
};

const barWidth = (columns: number): number => Math.max(4, Math.min(24, Math.floor(columns / 7)));

const drawBar = (part: number, whole: number, width: number, paint: Paint): string => {
  const share = whole <= 0 ? 1 : Math.min(1, Math.max(0, part / whole));
  const filled = Math.floor(share * width);
  return paint.cyan('━'.repeat(filled)) + paint.dim('─'.repeat(width - filled));
};

/** The number alone where it has the unit of the goal: `12.1 of 30.1 MB`. */
const shareOf = (bytes: number, goal: string): string => {
  const [value = '', unit = ''] = formatBytes(bytes).split(' ');
  const [whole = '', goalUnit = ''] = goal.split(' ');
  return unit === goalUnit ? padStart(value, whole.length) : `${value} ${unit}`;
};
