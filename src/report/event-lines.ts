import type { DeployEvent } from '#protocol/events.ts';
import { readableSteps } from '#protocol/shell.ts';
import { describeCause } from './cause.ts';
import type { Paint } from './paint.ts';
import { pendingLines } from './pending-lines.ts';
import { createLineBuffer, oneLine, printableLines } from './printable.ts';
import { wrap } from './text.ts';
import { formatSeconds } from './units.ts';

/** What of commands is told line by line. Notices of level warning always are. */
export interface Telling {
  readonly infos: boolean;
  readonly commands: boolean;
  readonly output: boolean;
  readonly failures: boolean;
}

/** A line for a reader; `urgent` ones are warnings and failures. */
export interface EventLine {
  readonly text: string;
  readonly urgent: boolean;
}

/** From events to complete, harmless lines such as `web01 | text` and `web01 $ command`; notices are broken at `columns`. Phases and transfers are told elsewhere. */
export const createEventLines = (
  telling: Telling,
  paint: Paint,
  columns: () => number = () => Number.POSITIVE_INFINITY,
) => {
  const buffer = createLineBuffer();
  const said = (source: string, line: string): EventLine => plain(`${oneLine(source)} | ${line}`);
  const rest = (prefix: string) => buffer.flush(prefix).map(([source, line]) => said(nameOf(source), line));
  const heard = (source: string, stream: string, text: string, shown = telling.output) =>
    shown ? buffer.push(`${source}${SEPARATOR}${stream}`, text).map((line) => said(source, line)) : [];

  const commandLines = (host: string, command: string): EventLine[] =>
    printableLines(command).map((line, index) => plain(`${oneLine(host)} ${index === 0 ? '$' : '>'} ${line}`));
  const failureLines = (event: Extract<DeployEvent, { type: 'command-end' }>): EventLine[] => {
    const end = event.signal ? `killed by ${event.signal}` : `exit code ${event.exitCode ?? 'unknown'}`;
    const command = telling.commands ? [] : commandLines(event.host, event.command);
    return [
      ...command.map(urgent),
      urgent(plain(paint.red(`${oneLine(event.host)} ! ${end} after ${formatSeconds(event.seconds)}`))),
    ];
  };

  return {
    of(event: DeployEvent): EventLine[] {
      switch (event.type) {
        case 'command-start':
          return telling.commands ? commandLines(event.host, event.command) : [];
        case 'command-planned':
          return plannedLines(event, telling.commands).flatMap((text) => commandLines(event.host, text));
        case 'command-output':
          return heard(event.host, event.stream, event.text);
        case 'output':
          return heard(event.host, event.stream, event.text, true);
        case 'pending':
          return pendingLines(event).map(plain);
        case 'local-output':
          return heard('local', event.stream, event.text);
        case 'command-end': {
          const failed = (event.exitCode !== 0 || event.signal !== null) && event.mayFail !== true;
          const left = rest(`${event.host}${SEPARATOR}`);
          return failed && telling.failures ? [...left, ...failureLines(event)] : left;
        }
        case 'host-failed': {
          const left = rest(`${event.host}${SEPARATOR}`);
          if (!telling.failures) return left;
          const cause = printableLines(describeCause(event.error)).map((line) =>
            urgent(plain(paint.red(`${oneLine(event.host)} ✖ ${oneLine(event.error.task)}: ${line}`))),
          );
          return [...left, ...cause];
        }
        case 'notice':
          return event.level === 'warning' || telling.infos ? noticeLines(event, paint, columns()) : [];
        case 'task-end':
          return rest('');
        case 'summary':
          return rest('');
        default:
          return [];
      }
    },
  };
};

/** A batch is shown as its commands; what only looks is told by its name, unless everything is asked for. */
const plannedLines = (
  { command, text, reads }: Extract<DeployEvent, { type: 'command-planned' }>,
  all: boolean,
): string[] => {
  if (all) return [text.trim()];
  return reads ? [`# ${command}`] : readableSteps(text.trim());
};

const SEPARATOR = '\0';

const nameOf = (source: string): string => source.slice(0, source.indexOf(SEPARATOR));

const plain = (text: string): EventLine => ({ text, urgent: false });

const urgent = ({ text }: EventLine): EventLine => ({ text, urgent: true });

const noticeLines = (notice: Extract<DeployEvent, { type: 'notice' }>, paint: Paint, columns: number): EventLine[] => {
  const warning = notice.level === 'warning';
  const start = `${warning ? 'warning: ' : ''}${notice.host === undefined ? '' : `${oneLine(notice.host)}: `}`;
  const lines = printableLines(notice.message).flatMap((line, index) =>
    wrap(index === 0 ? `${start}${line}` : line, columns - 3),
  );
  return lines.map((line, index) => {
    const text = index === 0 ? line : `  ${line}`;
    return { text: warning ? paint.yellow(text) : text, urgent: warning };
  });
};
