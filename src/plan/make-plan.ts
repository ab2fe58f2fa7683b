import type { Inventory } from '#inventory/host.ts';
import type { Recipe } from '#recipe/recipe.ts';
import { suggest } from '#recipe/suggest.ts';
import type { Task } from '#recipe/task.ts';
import { UserError } from '#recipe/user-error.ts';

/** What a run will do, in order, before any host is touched: pure data, printable. */
export interface Plan {
  readonly tasks: readonly PlannedTask[];
  /** What puts things right when a task fails before the release is committed. */
  readonly onFailure: readonly PlannedTask[];
  /** Whether any of the tasks changes hosts. */
  readonly locks: boolean;
}

export interface PlannedTask {
  readonly task: Task;
  /** Names of the hosts that it runs on. */
  readonly hosts: readonly string[];
  /** Set once a task marked `committed` began. */
  readonly committed: boolean;
}

/** Lays out the asked tasks with their steps and hooks, each with its hosts. @throws UserError for a task or hook that does not exist */
export const makePlan = (recipes: readonly Recipe[], inventory: Inventory, asked: readonly string[]): Plan => {
  const book = readRecipes(recipes);
  const onFailure = asked.map((name) => book.task(name).onFailure).find((name) => name !== undefined);
  const tasks = layOut(book, inventory, asked);
  return {
    tasks,
    onFailure: onFailure === undefined ? [] : layOut(book, inventory, [onFailure]),
    locks: tasks.some(({ task }) => task.run !== undefined && task.locks !== false),
  };
};

/** Every task of the recipes by name; later recipes replace those of earlier ones. */
export const allTasks = (recipes: readonly Recipe[]): Task[] => [...readRecipes(recipes).tasks.values()];

interface Book {
  readonly tasks: ReadonlyMap<string, Task>;
  readonly task: (name: string) => Task;
  readonly hooks: (when: 'before' | 'after', name: string) => readonly string[];
}

const readRecipes = (recipes: readonly Recipe[]): Book => {
  const tasks = new Map(recipes.flatMap((recipe) => recipe.tasks.map((task) => [task.name, task] as const)));
  for (const recipe of recipes) {
    for (const target of [...Object.keys(recipe.before), ...Object.keys(recipe.after)]) {
      if (!tasks.has(target))
        throw new UserError(
          `recipe ${recipe.name}: there is no task '${target}' to hook to${suggest(target, [...tasks.keys()])}`,
          2,
        );
    }
  }
  const find = (name: string): Task => {
    const task = tasks.get(name);
    if (task) return task;
    throw new UserError(
      `there is no task '${name}'${suggest(name, [...tasks.keys()])}; \`deploy tasks\` lists them`,
      2,
    );
  };
  return {
    tasks,
    task: find,
    hooks: (when, name) => recipes.flatMap((recipe) => recipe[when][name] ?? []),
  };
};

const layOut = (book: Book, inventory: Inventory, names: readonly string[]): PlannedTask[] => {
  let committed = false;
  const planned: PlannedTask[] = [];
  const visit = (name: string, above: readonly string[]): void => {
    if (above.includes(name)) throw new UserError(`the tasks ${[...above, name].join(' -> ')} run in a circle`, 2);
    const task = book.task(name);
    const inside = [...above, name];
    for (const hook of book.hooks('before', name)) visit(hook, inside);
    committed ||= task.committed ?? false;
    for (const step of task.steps ?? []) visit(step, inside);
    if (task.run) planned.push({ task, hosts: hostsOf(task, inventory), committed });
    for (const hook of book.hooks('after', name)) visit(hook, inside);
  };
  for (const name of names) visit(name, []);
  return planned;
};

const hostsOf = (task: Task, inventory: Inventory): string[] =>
  inventory
    .filter((host) => !task.roles || host.roles.some((role) => task.roles?.includes(role)))
    .map((host) => host.name);
