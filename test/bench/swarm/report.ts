import { median, spread } from '../statistics.ts';
import { table } from '../table.ts';
import type { Case } from './cases.ts';
import { type Figures, figuresOf } from './figures.ts';
import type { Run } from './run-once.ts';

export interface ReportFacts {
  readonly machine: Readonly<Record<string, string>>;
  /** One line for each tool and each run that is not in the table. */
  readonly left: readonly string[];
}

/** The table of all cases, a row for each tool. */
export const renderReport = (cases: readonly Case[], runs: readonly Run[], { machine, left }: ReportFacts): string => {
  const rows = cases.flatMap((setting) => {
    const all = runs.filter((run) => run.case === setting.name).map((run) => ({ ...figuresOf(setting, run), run }));
    return [...new Set(all.map(({ run }) => run.tool))].map((tool) => renderRow(setting, all, tool));
  });
  return [
    '',
    ...Object.entries(machine).map(([name, value]) => `- ${name}: ${value}`),
    ...left.map((line) => `- ${line}`),
    '',
    'Until the last host held a verified copy: median (min - max) of the runs.',
    '',
    ...table(HEADER, rows),
  ].join('\n');
};

/** Title, digits after the point, and the figure of a run. */
const MEASURES: readonly [string, number, (judged: Judged) => number | undefined][] = [
  ['seconds', 2, ({ seconds }) => seconds],
  ['x bound', 2, ({ ratio }) => ratio],
  ['sent by the seeder / payload', 2, ({ run }) => run.egress],
  ['CPU seconds', 1, ({ cpu }) => cpu],
  ['busy %', 0, ({ run }) => run.busy * 100],
  ['MiB of a peer', 0, ({ run }) => run.peerMemory / 2 ** 20],
];

const HEADER = [
  ...['case', 'tool', 'runs', ...MEASURES.map(([title]) => title), 'besides'],
  ...["Rookery's seconds / this tool's", "Rookery's CPU / this tool's"],
];

type Judged = Figures & { readonly run: Run };

const renderRow = (setting: Case, all: readonly Judged[], tool: string): string[] => {
  const own = all.filter(({ run }) => run.tool === tool);
  const ours = all.filter(({ run }) => run.tool === OURS);
  const against = (measure: (judged: Judged) => number) => (tool === OURS ? '1' : ratios(ours, own, measure));
  return [
    ...[setting.title, tool, String(own.length)],
    ...MEASURES.map(([, digits, measure]) => spread(numbers(own.map(measure)), digits)),
    besides(setting, own),
    against(({ seconds }) => seconds),
    against(({ cpu }) => cpu),
  ];
};

const OURS = 'rookery';

/** Round by round, because neighbours in time share the machine's mood. */
const ratios = (ours: readonly Judged[], theirs: readonly Judged[], measure: (judged: Judged) => number): string => {
  const pairs = theirs.flatMap((their) =>
    ours.filter((our) => our.run.round === their.run.round).map((our) => measure(our) / measure(their)),
  );
  return spread(pairs, 2);
};

/** What a case is about, where that is not the time of all hosts, and warnings. */
const besides = (setting: Case, runs: readonly Judged[]): string => {
  const seconds = runs.map((run) => run.seconds);
  const slow = numbers(runs.map((run) => run.slow?.ratio));
  const crossed = numbers(runs.map(({ run }) => run.crossed));
  const over = runs.map((run) => run.seconds - run.bound);
  const limited = runs.filter((run) => run.limited).length;
  const disturbed = runs.filter((run) => run.disturbed).length;
  return [
    ...(slow.length > 0 ? [`the slow host ${spread(slow, 2)} x its own bound`] : []),
    ...(crossed.length > 0 ? [`${spread(crossed, 2)} copies from zone to zone`] : []),
    ...(setting.over ? [`${spread(over, 2)} s over the bound`] : []),
    ...(runs.length >= MANY ? [`worst / median ${(Math.max(...seconds) / median(seconds)).toFixed(2)}`] : []),
    ...(limited > 0 ? [`limited by the processor: ${limited} of ${runs.length}`] : []),
    ...(disturbed > 0 ? [`disturbed by other programs: ${disturbed} of ${runs.length}`] : []),
  ].join(', ');
};

/** From so many runs on the worst one says something. */
const MANY = 10;

const numbers = (values: readonly (number | undefined)[]): number[] => values.filter((value) => value !== undefined);
