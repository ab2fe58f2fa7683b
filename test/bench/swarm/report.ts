import { median, spread } from '../statistics.ts';
import { table } from '../table.ts';
import type { Case } from './cases.ts';
import { figuresOf, MOST_BUSY } from './figures.ts';
import type { Run } from './run-once.ts';

export interface ReportFacts {
  readonly machine: Readonly<Record<string, string>>;
  /** One line for each tool and each run that is not in the table. */
  readonly left: readonly string[];
}

/** The table of all cases, a row for each tool. */
export const renderReport = (cases: readonly Case[], runs: readonly Run[], { machine, left }: ReportFacts): string => {
  const rows = cases.flatMap((setting) => {
    const all = runs.filter((run) => run.case === setting.name);
    return [...new Set(all.map(({ tool }) => tool))].map((tool) => renderRow(setting, all, tool));
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

const HEADER = [
  ...['case', 'tool', 'runs', 'seconds', 'x bound', 'sent by the seeder / payload', 'CPU seconds, all'],
  ...['busy %', 'MiB of a peer', 'besides', "Rookery's seconds / this tool's", "Rookery's CPU / this tool's"],
];

const renderRow = (setting: Case, all: readonly Run[], tool: string): string[] => {
  const runs = all.filter((run) => run.tool === tool);
  const figures = runs.map((run) => figuresOf(setting, run));
  const known = (values: readonly (number | undefined)[], digits: number) =>
    spread(
      values.filter((value) => value !== undefined),
      digits,
    );
  const against = (measure: (run: Run) => number) => (tool === OURS ? '1' : ratios(all, tool, measure));
  return [
    ...[setting.title, tool, String(runs.length)],
    known(
      figures.map(({ seconds }) => seconds),
      2,
    ),
    known(
      figures.map(({ ratio }) => ratio),
      2,
    ),
    known(
      runs.map(({ egress }) => egress),
      2,
    ),
    known(
      runs.map(({ machineCpu }) => machineCpu),
      1,
    ),
    known(
      runs.map(({ busy }) => busy * 100),
      0,
    ),
    known(
      runs.map(({ peerMemory }) => peerMemory / 2 ** 20),
      0,
    ),
    besides(setting, runs),
    against((run) => figuresOf(setting, run).seconds),
    against(({ machineCpu }) => machineCpu),
  ];
};

const OURS = 'rookery';

/** Round by round, because neighbours in time share the machine's mood. */
const ratios = (all: readonly Run[], tool: string, measure: (run: Run) => number): string =>
  spread(
    all
      .filter((run) => run.tool === tool)
      .flatMap((run) =>
        all
          .filter((ours) => ours.tool === OURS && ours.round === run.round)
          .map((ours) => measure(ours) / measure(run)),
      ),
    2,
  );

/** What a case is about, where that is not the time of all hosts, and a warning. */
const besides = (setting: Case, runs: readonly Run[]): string => {
  const figures = runs.map((run) => figuresOf(setting, run));
  const seconds = figures.map((figure) => figure.seconds);
  const slow = figures.flatMap((figure) => figure.slow?.ratio ?? []);
  const busy = runs.filter((run) => run.busy > MOST_BUSY).length;
  return [
    ...(slow.length > 0 ? [`the slow host ${spread(slow, 2)} x its own bound`] : []),
    ...(setting.over
      ? [
          `${spread(
            figures.map((figure) => figure.seconds - figure.bound),
            2,
          )} s over the bound`,
        ]
      : []),
    ...(runs.length >= 10 ? [`worst / median ${(Math.max(...seconds) / median(seconds)).toFixed(2)}`] : []),
    ...(busy > 0 && figures[0]!.ratio !== undefined ? [`${busy} runs limited by the processor`] : []),
  ].join(', ');
};
