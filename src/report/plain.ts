/**
 * Lines for logs. Warnings and failures go to `err`, everything else to `out`: `deploy … > log` still tells what went
 * wrong. Progress arrives many times a second, so it is collected and told at most every two seconds.
 */
import type { DeployEvent, DeployFact, TransferProgress } from '#protocol/events.ts';
import { formatCount } from '#recipe/format-count.ts';
import { createAnswers } from './answers.ts';
import { createEventLines } from './event-lines.ts';
import { createPaint } from './paint.ts';
import { oneLine } from './printable.ts';
import type { Reporter, ReportOptions } from './report.ts';
import { formatSummary, nameRun } from './summary.ts';
import { applyProgress, dropHost, startTransfer, type Transfer } from './transfer.ts';
import { describeFleet } from './transfer-lines.ts';
import { formatBytes, formatSeconds, plural } from './units.ts';
import { createWriter } from './writer.ts';

/** Reports in lines; with verbosity -1 only warnings, failures and the summary. */
export const openPlain = (options: ReportOptions): Omit<Reporter, 'suspend'> => {
  const { verbosity, color, columns } = options;
  const quiet = verbosity < 0;
  const paint = createPaint(color);
  const out = createWriter(options.out);
  const err = createWriter(options.err);
  const tell = createEventLines({ infos: !quiet, commands: verbosity > 0, output: !quiet, failures: true }, paint);
  const phases = createPhaseLines();
  const answers = createAnswers();

  const write = (text: string, urgent: boolean): void => {
    const [writer, other] = urgent ? [err, out] : [out, err];
    other.flush();
    writer.write(`${text}\n`);
  };
  const writeSummary = (event: Extract<DeployEvent, { type: 'summary' }>): void => {
    const layout = { columns: columns() || 80, color, chosen: options.chosen };
    const { failures, verdict } = formatSummary(event, { ...layout, prose: Number.POSITIVE_INFINITY });
    for (const line of answers.table(layout)) write(line, false);
    for (const line of failures) write(line, true);
    const shown = quiet && event.ok ? verdict.slice(0, 1) : verdict;
    for (const line of shown) write(line, false);
  };
  return {
    emit(event) {
      answers.take(event);
      for (const { text, urgent } of tell.of(event)) write(text, urgent);
      const lines = phases.of(event);
      if (!quiet) for (const line of lines) write(line, false);
      if (event.type === 'summary') writeSummary(event);
    },
    async close() {
      await Promise.all([out.close(), err.close()]);
    },
  };
};

/** The lines of phases and of the transfer in them. */
const createPhaseLines = () => {
  let task = '';
  let transfer: Transfer | undefined;
  let toldAt = 0;
  const news = new Map<string, TransferProgress & { at: number }>();

  const settle = (): void => {
    if (transfer && news.size > 0) transfer = applyProgress(transfer, news);
    news.clear();
  };
  const progress = (host: string, state: TransferProgress, at: number): string[] => {
    if (!transfer || transfer.ended) return [];
    news.set(host, { ...state, at });
    if (at - toldAt < 2000) return [];
    toldAt = at;
    settle();
    return [`[${task}] ${describeTransfer(transfer, at)}`];
  };
  return {
    of(event: DeployEvent): string[] {
      const at = Date.parse(event.at) || 0;
      switch (event.type) {
        case 'run-start':
          return [`${nameRun(event)} (${plural(event.hosts.length, 'host')})`];
        case 'task-start':
          task = oneLine(event.task);
          return [`[${task}] ${oneLine(event.description)} (${plural(event.hosts.length, 'host')})`];
        case 'task-end':
          return [describeEnd(event)];
        case 'host-failed':
          settle();
          if (transfer) transfer = dropHost(transfer, event.host);
          return [];
        case 'transfer-start':
          transfer = startTransfer(event, task, at);
          toldAt = at;
          return [
            `[${task}] ${formatBytes(event.bytes)} in ${plural(event.pieces, 'piece')} to ${plural(event.hosts.length, 'host')}`,
          ];
        case 'transfer-progress':
          return progress(event.host, event, at);
        case 'transfer-end':
          settle();
          if (transfer) transfer = { ...transfer, ended: event };
          return transfer ? [`[${task}] ${describeTransfer(transfer, at)} in ${formatSeconds(event.seconds)}`] : [];
        default:
          return [];
      }
    },
  };
};

const describeTransfer = (transfer: Transfer, at: number): string =>
  [
    ...describeFleet(transfer, at).map(({ text }) => text.trim()),
    `${formatCount(transfer.done)}/${plural(transfer.hosts.size, 'host')} done`,
  ].join(', ');

const describeEnd = ({ task, ok, seconds, detail }: Extract<DeployFact, { type: 'task-end' }>): string => {
  const said = detail === undefined || detail === '' ? '' : `: ${oneLine(detail)}`;
  return `[${oneLine(task)}] ${ok ? 'done in' : 'failed after'} ${formatSeconds(seconds)}${said}`;
};
