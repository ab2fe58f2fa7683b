import type { Recipe } from '#recipe/recipe.ts';
import { suggest } from '#recipe/suggest.ts';
import type { Task } from '#recipe/task.ts';
import { UserError } from '#recipe/user-error.ts';

/** A misspelt key would be passed over, and a task for `role: ['db']` run on all hosts: nobody checks types when a configuration is loaded. @throws UserError */
export const refuseUnknownKeys = (recipe: Recipe): void => {
  refuse(`recipe ${recipe.name}`, recipe, RECIPE);
  for (const task of recipe.tasks) refuse(`recipe ${recipe.name}, task ${task.name}`, task, TASK);
};

const refuse = (where: string, written: object, known: Readonly<Record<string, true>>): void => {
  const unknown = Object.keys(written).find((key) => !(key in known));
  if (unknown === undefined) return;
  throw new UserError(`${where}: unknown key '${unknown}'${suggest(unknown, Object.keys(known))}`, 2);
};

const RECIPE: Readonly<Record<keyof Recipe, true>> = {
  ...{ kind: true, name: true, tasks: true, settings: true, uses: true, before: true, after: true, disable: true },
  ...{ commands: true, prefix: true },
};

const TASK: Readonly<Record<keyof Task, true>> = {
  ...{ kind: true, name: true, description: true, roles: true, release: true, steps: true, run: true, locks: true },
  ...{ committed: true, onFailure: true, onHostFailure: true, needsSource: true },
};
