import type { Inventory } from '#inventory/host.ts';
import type { Recipe } from '#recipe/recipe.ts';
import { STANDARD_ROLES } from '#recipe/roles.ts';
import { suggest } from '#recipe/suggest.ts';
import type { Task } from '#recipe/task.ts';
import { UserError } from '#recipe/user-error.ts';
import { refuseUnknownKeys } from './unknown-keys.ts';

/** What a run will do, in order, before any host is touched: pure data, printable. */
export interface Plan {
  readonly tasks: readonly PlannedTask[];
  /** What puts things right when a task fails before the release is committed. */
  readonly onFailure: readonly PlannedTask[];
  /** What puts things right on a host that has failed while the run goes on without it. */
  readonly onHostFailure: readonly PlannedTask[];
  /** Whether any of the tasks changes hosts. */
  readonly locks: boolean;
}

export interface PlannedTask {
  readonly task: Task;
  /** Names of the hosts that it runs on. */
  readonly hosts: readonly string[];
  /** Set once a task marked `committed` began. */
  readonly committed: boolean;
  /** Names of the tasks that it is a step or a hook of, the outermost first. */
  readonly within: readonly string[];
}

/**
 * Lays out the asked tasks with their steps and hooks, each with its hosts. `roles` are those of all stages' hosts, beside
 * the standard ones. @throws UserError for a task, hook or role that does not exist
 */
export const makePlan = (
  recipes: readonly Recipe[],
  inventory: Inventory,
  asked: readonly string[],
  roles: readonly string[] = [],
): Plan => {
  const book = readRecipes(recipes);
  refuseUnknownRoles(book, [...STANDARD_ROLES, ...roles]);
  const first = (key: 'onFailure' | 'onHostFailure') => asked.flatMap((name) => book.task(name)[key] ?? []).slice(0, 1);
  const tasks = layOut(book, inventory, asked);
  return {
    tasks,
    onFailure: layOut(book, inventory, first('onFailure')),
    onHostFailure: layOut(book, inventory, first('onHostFailure')),
    locks: tasks.some(({ task }) => task.run !== undefined && task.locks !== false),
  };
};

/** One task with its steps and hooks, as `invoke` runs it. @throws UserError for a task that does not exist */
export const planTask = (recipes: readonly Recipe[], inventory: Inventory, name: string): PlannedTask[] =>
  layOut(readRecipes(recipes), inventory, [name]);

/** The recipes with those that they use before them, each once. */
export const withUsed = (recipes: readonly Recipe[]): Recipe[] => {
  const found = new Map<string, Recipe>();
  const add = (recipe: Recipe): void => {
    for (const used of recipe.uses) if (!found.has(used.name)) add(used);
    found.delete(recipe.name); // a recipe of the project's own takes the place of one that came along
    found.set(recipe.name, recipe);
  };
  for (const recipe of recipes) add(recipe);
  return [...found.values()];
};

/** Every task of the recipes by name; later recipes replace those of earlier ones. */
export const allTasks = (recipes: readonly Recipe[]): Task[] => [...readRecipes(recipes).tasks.values()];

/** One line of the tree of tasks that `deploy tasks --tree` shows. */
export interface TreeLine {
  readonly depth: number;
  readonly task: Task;
  /** Set where it is hooked to the task of the line above it that is less deep, or, before, of the one that follows. */
  readonly hook?: 'before' | 'after';
  readonly disabled: boolean;
}

/** A task with its steps and hooks, as they are nested. @throws UserError for a task that does not exist, or a circle */
export const taskTree = (recipes: readonly Recipe[], name: string): TreeLine[] => {
  const lines: TreeLine[] = [];
  walk(readRecipes(recipes), name, { enter: (stop) => void lines.push(stop), leave: () => {} });
  return lines;
};

interface Book {
  readonly tasks: ReadonlyMap<string, Task>;
  readonly task: (name: string) => Task;
  readonly hooks: (when: 'before' | 'after', name: string) => readonly string[];
  readonly disabled: ReadonlySet<string>;
}

const readRecipes = (recipes: readonly Recipe[]): Book => {
  for (const recipe of recipes) refuseUnknownKeys(recipe);
  const tasks = new Map(recipes.flatMap((recipe) => recipe.tasks.map((task) => [task.name, task] as const)));
  for (const recipe of recipes) {
    const known = (what: string, targets: readonly string[]) => {
      const target = targets.find((name) => !tasks.has(name));
      if (target === undefined) return;
      const near = suggest(target, [...tasks.keys()]);
      throw new UserError(`recipe ${recipe.name}: there is no task '${target}' to ${what}${near}`, 2);
    };
    known('hook to', [...Object.keys(recipe.before), ...Object.keys(recipe.after)]);
    known(
      'run',
      [recipe.before, recipe.after].flatMap((hooks) => Object.values(hooks).flatMap((name) => name ?? [])),
    );
    known('disable', recipe.disable);
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
    disabled: new Set(recipes.flatMap((recipe) => recipe.disable)),
  };
};

const refuseUnknownRoles = ({ tasks }: Book, known: readonly string[]): void => {
  for (const { name, roles = [] } of tasks.values()) {
    const unknown = roles.find((role) => !known.includes(role));
    if (unknown === undefined) continue;
    throw new UserError(`task ${name}: no host of any stage has the role '${unknown}'${suggest(unknown, known)}`, 2);
  }
};

const layOut = (book: Book, inventory: Inventory, names: readonly string[]): PlannedTask[] => {
  let committed = false;
  const planned: PlannedTask[] = [];
  const enter = ({ task, disabled }: Stop): void => {
    committed ||= !disabled && (task.committed ?? false);
  };
  const leave = ({ task, above }: Stop): void => {
    if (task.run) planned.push({ task, hosts: hostsOf(task, inventory), committed, within: above });
  };
  for (const name of names) walk(book, name, { enter, leave });
  return planned;
};

/** A task on the way through a flow. */
interface Stop extends TreeLine {
  /** Names of the tasks that it is a step or a hook of, the outermost first. */
  readonly above: readonly string[];
}

interface Visitor {
  /** A task begins, after the hooks before it; a disabled one is not entered any further. */
  readonly enter: (stop: Stop) => void;
  /** Its steps are through, and its own body comes. */
  readonly leave: (stop: Stop) => void;
}

/** Goes through a task with its hooks and steps, in the order in which they run. @throws UserError for a task that does not exist, or a circle */
const walk = (book: Book, root: string, { enter, leave }: Visitor): void => {
  const visit = (name: string, above: readonly string[], depth: number, hook?: 'before' | 'after'): void => {
    if (above.includes(name)) throw new UserError(`the tasks ${[...above, name].join(' -> ')} run in a circle`, 2);
    const task = book.task(name);
    const disabled = book.disabled.has(name) && above.length > 0; // named on the command line it runs all the same
    const stop: Stop = { task, depth, disabled, above, ...(hook === undefined ? {} : { hook }) };
    if (disabled) {
      enter(stop);
      return;
    }
    const inside = [...above, name];
    for (const other of book.hooks('before', name)) visit(other, inside, depth, 'before');
    enter(stop);
    for (const step of task.steps ?? []) visit(step, inside, depth + 1);
    leave(stop);
    for (const other of book.hooks('after', name)) visit(other, inside, depth, 'after');
  };
  visit(root, [], 0);
};

const hostsOf = (task: Task, inventory: Inventory): string[] =>
  inventory
    .filter((host) => !task.roles || host.roles.some((role) => task.roles?.includes(role as never)))
    .filter((host) => !task.release || host.noRelease !== true)
    .map((host) => host.name);
