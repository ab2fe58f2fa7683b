import type { Paint } from './paint.ts';
import { oneLine, printable } from './printable.ts';
import { cut, displayWidth, padEnd, padStart } from './text.ts';
import { drawTransfer } from './transfer-lines.ts';
import { formatSeconds, plural } from './units.ts';
import type { Phase, View } from './view.ts';

/** Where a frame is drawn: `now` in ms since the epoch, on the clock of the events. */
export interface Canvas {
  readonly columns: number;
  readonly rows: number;
  readonly now: number;
  readonly paint: Paint;
}

/** The live part of the screen: the phases under way and what goes on in them; fewer lines than rows, narrower than columns. */
export const drawFrame = (view: View, canvas: Canvas): string[] => {
  const height = Math.max(0, canvas.rows - 1);
  const under = view.phases.filter((phase) => phase.state === 'running');
  const blocks = under.map((phase) => [drawPhase(phase, view, canvas), ...drawInside(phase, view, canvas)]);
  const lines = blocks.length > 0 ? blocks.flat() : drawConnecting(view, canvas);
  return lines.slice(0, height).map((line) => cut(line, canvas.columns - 1));
};

/** A phase as one line, live or finished; not cut. */
export const drawPhase = (phase: Phase, view: View, { columns, now, paint }: Canvas): string => {
  const live = phase.state === 'running';
  const seconds = live ? (now - phase.startedAt) / 1000 : phase.seconds;
  const names = Math.max(...view.phases.map(({ task }) => displayWidth(task)));
  const name = padEnd(cut(oneLine(phase.task), columns / 3), Math.min(names, Math.floor(columns / 3)));
  const detail = [oneLine(phase.detail), ...(live ? news(view, paint) : [])].filter((part) => part !== '');
  const words = [oneLine(phase.description), ...detail].filter((part) => part !== '');
  const shown = phase.state === 'failed' ? paint.red(name) : live ? paint.bold(name) : name;
  return `${glyph(phase, now, paint)} ${shown} ${paint.dim(padStart(formatSeconds(seconds), 7))}  ${words.join(' · ')}`.trimEnd();
};

const drawInside = (phase: Phase, view: View, canvas: Canvas): string[] => {
  const { transfer } = view;
  const space = canvas.rows - 2;
  if (transfer && transfer.task === phase.task) return drawTransfer(transfer, space, canvas);
  return drawOutput(view, Math.min(space, 4), canvas.paint);
};

/** The last line of output of the commands under way, as many as there is space for. */
const drawOutput = (view: View, space: number, paint: Paint): string[] => {
  const heard = [...view.running].filter(([, { tail }]) => tail !== '');
  const shown = heard.slice(0, heard.length > space ? Math.max(0, space - 1) : space);
  const names = Math.max(0, ...shown.map(([source]) => displayWidth(source)));
  const lines = shown.map(([source, { tail }]) =>
    paint.dim(`    ${padEnd(cut(oneLine(source), 24), Math.min(24, names))} | ${lastLine(tail)}`),
  );
  return heard.length > shown.length ? [...lines, paint.dim(`    … and ${heard.length - shown.length} more`)] : lines;
};

const drawConnecting = (view: View, { now, paint }: Canvas): string[] => {
  if (!view.run || view.summary || view.phases.some(({ state }) => state !== 'waiting')) return [];
  const line = `${spinner(now, paint)} ${paint.bold('Connecting')} ${paint.dim(padStart(formatSeconds((now - view.startedAt) / 1000), 7))}`;
  return [[line, ...news(view, paint)].join('  ')];
};

const news = (view: View, paint: Paint): string[] => {
  const hosts = view.run?.hosts ?? 0;
  const connecting = view.connected > 0 && view.connected + view.failed.size < hosts;
  return [
    connecting ? `${view.connected}/${plural(hosts, 'host')} connected` : '',
    view.failed.size > 0 ? paint.red(`${plural(view.failed.size, 'host')} failed`) : '',
  ].filter((part) => part !== '');
};

const lastLine = (tail: string): string => {
  const lines = tail.split('\n').filter((line) => /\S/.test(line));
  return printable(lines.at(-1) ?? '').trim();
};

const SPINNER = [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'];

const spinner = (now: number, paint: Paint): string =>
  paint.cyan(SPINNER[Math.floor(Math.max(0, now) / 100) % SPINNER.length] ?? '');

const glyph = ({ state }: Phase, now: number, paint: Paint): string => {
  if (state === 'running') return spinner(now, paint);
  if (state === 'done') return paint.green('✔');
  return state === 'failed' ? paint.red('✖') : paint.yellow('■');
};
