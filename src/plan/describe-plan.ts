import type { Inventory } from '#inventory/host.ts';
import type { Plan } from './make-plan.ts';

/** The plan as rows for a table: a task a row, a host a column, a mark where the task runs. */
export const planRows = (plan: Plan, inventory: Inventory): { header: string[]; rows: string[][] } => ({
  header: ['task', ...inventory.map((host) => host.name)],
  rows: plan.tasks.map(({ task, hosts }) => [
    task.name,
    ...inventory.map((host) => (hosts.includes(host.name) ? '●' : '·')),
  ]),
});
