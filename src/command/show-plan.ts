import type { Writable } from 'node:stream';
import { loadConfig } from '#config/load-config.ts';
import { plannedInventory } from '#fleet.ts';
import { selectHosts } from '#inventory/select-hosts.ts';
import { planRows } from '#plan/describe-plan.ts';
import { makePlan, withUsed } from '#plan/make-plan.ts';
import { formatTable } from '#report/table.ts';
import { standardRecipes } from '#standard-recipes.ts';
import { type Arguments, optional } from './arguments.ts';
import type { AroundRun } from './surroundings.ts';
import { tellJson } from './tell-json.ts';

/** `--plan`: which tasks would run on which hosts, in order; connects to nobody. */
export const showPlan = async (
  args: Arguments,
  around: AroundRun,
  out: Writable & { columns?: number },
): Promise<number> => {
  const { config: file, stage, settings, ref } = args;
  const config = await loadConfig({
    ...around,
    stage,
    settings,
    ...optional('file', file),
    ...optional('ref', ref),
  });
  const inventory = selectHosts(await plannedInventory(config, around), args);
  const recipes = withUsed([...(await standardRecipes(args.remoteCommand)), ...config.recipes]);
  const plan = makePlan(recipes, inventory, args.tasks, config.roles);
  if (args.format === 'json') {
    for (const { task, hosts } of plan.tasks) tellJson(out, 'task-planned', { task: task.name, hosts });
    return 0;
  }
  const { header, rows } = planRows(plan, inventory);
  out.write(`${formatTable(rows, { header, columns: out.columns ?? 120, color: false })}\n`);
  return 0;
};
