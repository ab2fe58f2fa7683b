import type { Writable } from 'node:stream';
import { loadWrittenConfig } from '#config/load-config.ts';
import type { WrittenConfig } from '#config/written-config.ts';
import { allTasks, type TreeLine, taskTree, withUsed } from '#plan/make-plan.ts';
import { suggest } from '#recipe/suggest.ts';
import { UserError } from '#recipe/user-error.ts';
import { formatTable } from '#report/table.ts';
import { standardRecipes } from '#standard-recipes.ts';
import { type Arguments, optional } from './arguments.ts';
import type { AroundRun } from './surroundings.ts';

/** `deploy tasks [stage]`: every task with its description; with `--tree` the flows, with what is hooked into them. Without a configuration, the standard ones. */
export const listTasks = async (
  { stage, config, tree }: Arguments,
  { from, cache }: AroundRun,
  out: Writable,
): Promise<number> => {
  const own = await loadWrittenConfig({ from, cache, ...optional('file', config) }).catch(() => undefined);
  const recipes = withUsed([...(await standardRecipes()), ...recipesOf(own?.written, stage)]);
  const rows = tree
    ? FLOWS.flatMap((flow) => taskTree(recipes, flow)).map(treeRow)
    : allTasks(recipes).map((task) => [task.name, task.description]);
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
  if (stage !== '' && !Object.hasOwn(stages, stage))
    throw new UserError(`there is no stage '${stage}'${suggest(stage, Object.keys(stages))}`, 2);
  return stages[stage]?.recipes ?? written?.recipes ?? [];
};
