import type { Writable } from 'node:stream';
import { loadWrittenConfig } from '#config/load-config.ts';
import { unknownStage } from '#config/resolve-config.ts';
import type { WrittenConfig } from '#config/written-config.ts';
import { allTasks, type TreeLine, taskTree, withUsed } from '#plan/make-plan.ts';
import { formatTable } from '#report/table.ts';
import { standardRecipes } from '#standard-recipes.ts';
import { type Arguments, optional } from './arguments.ts';
import type { AroundRun } from './surroundings.ts';
import { tellJson } from './tell-json.ts';

/** `deploy tasks [stage]`: every task with its description; with `--tree` the flows, with what is hooked into them. Without a configuration, the standard ones. */
export const listTasks = async (
  { stage, config, tree, format }: Arguments,
  { from, cache }: AroundRun,
  out: Writable,
): Promise<number> => {
  const own = await loadWrittenConfig({ from, cache, ...optional('file', config) }).catch(() => undefined);
  const recipes = withUsed([...(await standardRecipes()), ...recipesOf(own?.written, stage)]);
  const lines = tree
    ? FLOWS.flatMap((flow) => taskTree(recipes, flow))
    : allTasks(recipes).map((task): TreeLine => ({ task, depth: 0, disabled: false }));
  if (format === 'json') {
    for (const { task, ...line } of lines)
      tellJson(out, 'task', { task: task.name, description: task.description, ...(tree ? line : {}) });
    return 0;
  }
  const rows = lines.map(treeRow);
  out.write(`${formatTable(rows, { header: ['task', 'what it does'], columns: 120, color: false })}\n`);
  return 0;
};

const FLOWS = ['deploy', 'deploy:rollback', 'deploy:failed'];

const treeRow = ({ depth, task, hook, disabled }: TreeLine): string[] => [
  `${'  '.repeat(depth)}${hook === undefined ? '' : `${hook}: `}${task.name}`,
  disabled ? '(disabled)' : task.description,
];

const recipesOf = (written: WrittenConfig | undefined, stage: string) => {
  const stages = written?.stages ?? {};
  if (stage !== '' && !Object.hasOwn(stages, stage)) throw unknownStage(stage, Object.keys(stages));
  return stages[stage]?.recipes ?? written?.recipes ?? [];
};
