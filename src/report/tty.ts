/**
 * A run on a terminal: what is over is written once and stays, what is under way is drawn ten times a second from the
 * view. Events only queue up in between, so that a thousand busy hosts cost a frame no more than eight.
 */
import type { DeployEvent } from '#protocol/events.ts';
import { createAnswers } from './answers.ts';
import { applyEvents } from './apply.ts';
import { createEventLines } from './event-lines.ts';
import { type Canvas, drawFrame, drawPhase } from './frame.ts';
import { createPaint } from './paint.ts';
import { openPhaseList, type PhaseList } from './phase-list.ts';
import type { Reporter, ReportOptions } from './report.ts';
import { createScreen } from './screen.ts';
import { formatSummary, nameRun } from './summary.ts';
import { cut } from './text.ts';
import { plural } from './units.ts';
import { emptyView } from './view.ts';
import { createWriter } from './writer.ts';

/** Reports on a live screen; with verbosity 1 every command and its output stays above it. */
export const openTty = ({ out, verbosity, color, now, chosen, ...size }: ReportOptions): Reporter => {
  const columns = () => size.columns() || 80;
  const rows = () => size.rows() || 24;
  const paint = createPaint(color);
  const screen = createScreen(out, { columns, rows });
  const answers = createAnswers();
  const told = createEventLines(
    { infos: true, commands: verbosity > 0, output: verbosity > 0, failures: verbosity > 0 },
    paint,
    columns,
  );
  let view = emptyView;
  let waiting: DeployEvent[] = [];
  let clock = () => 0;
  let list: PhaseList | undefined;

  const canvas = (): Canvas => ({ columns: columns(), rows: rows(), now: clock(), paint });
  const settle = (): string[] => {
    const events = waiting;
    waiting = [];
    view = applyEvents(view, events);
    return events.flatMap(staying);
  };
  const staying = (event: DeployEvent): string[] => {
    const lines = told.of(event).map(({ text }) => text);
    if (event.type === 'run-start')
      lines.push(paint.bold(nameRun(event)) + paint.dim(` · ${plural(event.hosts.length, 'host')}`), '');
    if (event.type === 'task-end') lines.push(...finishedPhases(event.task));
    if (event.type === 'summary') lines.push(...stoppedPhases(), ...lastWords(event));
    return lines;
  };
  const finishedPhases = (task: string) =>
    view.phases
      .filter((phase) => phase.task === task)
      .map((phase) => cut(drawPhase(phase, view, canvas()), columns() - 1));
  const stoppedPhases = () =>
    view.phases
      .filter(({ state }) => state === 'stopped')
      .map((phase) => cut(drawPhase(phase, view, canvas()), columns() - 1));
  const lastWords = (summary: Extract<DeployEvent, { type: 'summary' }>): string[] => {
    const layout = { columns: columns(), color, chosen };
    const { failures, verdict } = formatSummary(summary, layout);
    const apart = view.run === undefined ? [] : [''];
    return [
      ...[answers.table(layout), failures].flatMap((part) => (part.length > 0 ? ['', ...part] : [])),
      ...apart,
      ...verdict,
    ];
  };

  let suspended = 0;
  const redraw = () => {
    if (suspended === 0) screen.draw(settle(), drawFrame(view, canvas()));
  };
  return {
    emit(event) {
      if (waiting.length === 0 && view === emptyView) clock = clockFrom(event, now);
      waiting.push(event);
      answers.take(event);
      if (event.type === 'run-start') list = openPhaseList(event.tasks, redraw);
      if (event.type === 'task-end') list?.finish(event.task);
      if (event.type === 'summary') screen.end(settle());
      else if (list === undefined || waiting.length > MOST_WAITING) redraw();
    },
    suspend() {
      screen.draw(settle(), []);
      screen.showCursor();
      suspended++;
      return () => {
        suspended--;
        redraw();
      };
    },
    async close() {
      screen.end(settle());
      await list?.end();
      await createWriter(out).close();
    },
  };
};

const MOST_WAITING = 20_000;

/** The clock of the events, carried on by the caller's, whatever that one counts from. */
const clockFrom = ({ at }: DeployEvent, now: () => number): (() => number) => {
  const offset = (Date.parse(at) || 0) - now();
  return () => now() + offset;
};
