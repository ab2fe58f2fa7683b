import { spread } from '../statistics.ts';
import { table } from '../table.ts';
import type { Kind, Run } from './rounds.ts';

export interface ReportFacts {
  /** In words: 'one host'. */
  readonly hosts: string;
  readonly kinds: readonly Kind[];
  /** One line for each tool that is not in the tables. */
  readonly left: readonly string[];
}

/** The tables, as Markdown, so that they can be pasted into the docs as they are. */
export const renderReport = (runs: readonly Run[], { hosts, kinds, left }: ReportFacts): string => {
  const tools = [...new Set(runs.map(({ tool }) => tool))];
  const of = (kind: Kind, tool: string) => runs.filter((run) => run.kind === kind && run.tool === tool);
  const times = kinds.flatMap((kind) =>
    tools.map((tool) => {
      const own = of(kind, tool);
      const cells = MEASURES.map((measure) =>
        spread(
          own.map((run) => run[measure]),
          2,
        ),
      );
      return [kind, tool, ...cells, ratios(own, of(kind, BASELINE))];
    }),
  );
  const commands = tools.map((tool) => {
    const own = of(kinds.at(-1) as Kind, tool);
    return [
      tool,
      ...(['commands', 'sessions'] as const).map((count) =>
        spread(
          own.map((run) => run[count]),
          1,
        ),
      ),
    ];
  });
  return [
    '',
    ...left,
    '',
    `Deploys to ${hosts}, seconds: median (min - max) of ${Math.max(0, ...runs.map(({ round }) => round))} runs.`,
    '',
    ...table(
      ['deploy', 'tool', 'wall', 'deployer CPU', 'hosts CPU', 'other CPU', 'wall, as a share of Capistrano'],
      times,
    ),
    '',
    `What one deploy (${kinds.at(-1)}) does on one host.`,
    '',
    ...table(['tool', "commands, by the tool's record", "sessions, by sshd's log"], commands),
  ].join('\n');
};

const BASELINE = 'capistrano git';
const MEASURES = ['seconds', 'deployerCpu', 'hostsCpu', 'otherCpu'] as const;

/** Round by round, because neighbours in time share the machine's mood. */
const ratios = (own: readonly Run[], base: readonly Run[]): string => {
  const pairs = own.flatMap((run) =>
    base.filter(({ round }) => round === run.round).map(({ seconds }) => run.seconds / seconds),
  );
  return pairs.length === 0 || own[0]!.tool === BASELINE ? (pairs.length === 0 ? '-' : '1') : spread(pairs, 2);
};
