import { describe, expect, test } from 'vitest';
import { planRows } from '#plan/describe-plan.ts';
import { allTasks, makePlan, taskTree } from '#plan/make-plan.ts';
import { defineRecipe, type RecipeDefinition } from '#recipe/recipe.ts';
import { type Task, type TaskDefinition, task } from '#recipe/task.ts';
import { standardRecipes } from '../../src/standard-recipes.ts';
import { inventoryOf } from '../inventory/hosts.ts';

const fleet = inventoryOf(['web1', { host: 'db1', roles: ['db'] }, { host: 'all', roles: ['app', 'db'] }]);
const run = () => {};
const does = (name: string, definition: TaskDefinition = {}): Task => task(name, name, { run, ...definition });
const recipe = (tasks: Task[], hooks: Omit<RecipeDefinition, 'name' | 'tasks'> = {}, name = 'test') =>
  defineRecipe({ name, tasks, ...hooks });
const order = (recipes: ReturnType<typeof recipe>[], ...asked: string[]) =>
  makePlan(recipes, fleet, asked).tasks.map((planned) => planned.task.name);

test('a misspelt key of a recipe or a task is refused: nobody checks types when a configuration is loaded', () => {
  const misspelt = recipe([does('migrate', { role: ['db'] } as never)], {}, 'mine');
  expect(() => order([misspelt], 'migrate')).toThrow(
    "recipe mine, task migrate: unknown key 'role'; did you mean 'roles'?",
  );
  const hookless = recipe([does('a')], { afer: { a: 'a' } } as never, 'mine');
  expect(() => order([hookless], 'a')).toThrow("recipe mine: unknown key 'afer'; did you mean 'after'?");
});

describe('the order', () => {
  test('steps come before the body of their task, hooks around it', () => {
    const tasks = [does('all', { steps: ['a', 'b'] }), does('a'), does('b'), does('x'), does('y'), does('z')];
    expect(
      order([recipe(tasks, { before: { all: 'x', b: ['y'] }, after: { all: ['z', 'y'], a: 'x' } })], 'all'),
    ).toEqual(['x', 'a', 'x', 'y', 'b', 'all', 'z', 'y']);
  });

  test('is that of the recipes for hooks on one task, and of the asked for several tasks', () => {
    const first = recipe([does('a'), does('b'), does('x')], { after: { a: 'x' } });
    const second = recipe([does('y')], { after: { a: 'y' } });
    expect(order([first, second], 'b', 'a', 'b')).toEqual(['b', 'a', 'x', 'y', 'b']);
  });

  test('hooks may have steps and hooks of their own', () => {
    const tasks = [does('a'), does('hook', { steps: ['step'] }), does('step'), does('deep')];
    expect(order([recipe(tasks, { before: { a: 'hook', step: 'deep' } })], 'a')).toEqual(['deep', 'step', 'hook', 'a']);
  });

  test('a task without a body takes no place, but its hooks do', () => {
    const tasks = [task('empty', 'nothing'), does('x')];
    expect(order([recipe(tasks)], 'empty')).toEqual([]);
    expect(order([recipe(tasks, { after: { empty: 'x' } })], 'empty')).toEqual(['x']);
  });

  test('later recipes replace tasks by name, and hooks stay', () => {
    const later = does('a', { roles: ['db'] });
    const recipes = [recipe([does('a'), does('x')], { before: { a: 'x' } }), recipe([later])];
    const { tasks } = makePlan(recipes, fleet, ['a']);
    expect(tasks.map((planned) => planned.task.name)).toEqual(['x', 'a']);
    expect(tasks[1]).toMatchObject({ task: later, hosts: ['db1', 'all'] });
    expect(allTasks(recipes).map(({ name }) => name)).toEqual(['a', 'x']);
  });

  test('a task may be met twice, in different places', () => {
    expect(order([recipe([does('all', { steps: ['a', 'a'] }), does('a')])], 'all')).toEqual(['a', 'a', 'all']);
  });
});

describe('is refused in words', () => {
  test('a task that does not exist, wherever it is named', () => {
    expect(() => order([recipe([])], 'nope')).toThrow("there is no task 'nope'; `deploy tasks` lists them");
    expect(() => order([recipe([does('a', { steps: ['nope'] })])], 'a')).toThrow(/no task 'nope'/);
    expect(() => order([recipe([does('a')], { before: { a: 'nope' } })], 'a')).toThrow(/no task 'nope'/);
    expect(() => order([recipe([does('a', { onFailure: 'nope' })])], 'a')).toThrow(/no task 'nope'/);
  });

  test('a hook to a task that does not exist, also where nobody asks for it: the recipe is named', () => {
    expect(() => order([recipe([does('a')], { after: { 'deploy:restat': 'a' } }, 'mine')], 'a')).toThrow(
      "recipe mine: there is no task 'deploy:restat' to hook to",
    );
  });

  test.each([
    ['steps', [recipe([does('a', { steps: ['b'] }), does('b', { steps: ['a'] })])]],
    ['hooks', [recipe([does('a'), does('b')], { before: { a: 'b' }, after: { b: 'a' } })]],
  ])('a circle of %s', (_, recipes) => {
    expect(() => order(recipes, 'a')).toThrow('the tasks a -> b -> a run in a circle');
    expect(() => taskTree(recipes, 'a')).toThrow('the tasks a -> b -> a run in a circle');
  });
});

describe('hosts', () => {
  test('are those of the roles, in the order of the inventory', () => {
    const tasks = [
      does('app', { roles: ['app'] }),
      does('both', { roles: ['db', 'app'] }),
      does('every'),
      does('none', { roles: ['cache' as 'db'] }),
    ];
    const { tasks: planned } = makePlan([recipe(tasks)], fleet, ['app', 'both', 'every', 'none'], ['cache']);
    expect(planned.map(({ hosts }) => hosts)).toEqual([
      ['web1', 'all'],
      ['web1', 'db1', 'all'],
      ['web1', 'db1', 'all'],
      [],
    ]);
  });

  test('are the columns of the table of a plan', () => {
    const plan = makePlan([recipe([does('app', { roles: ['app'] }), does('every')])], fleet, ['app', 'every']);
    expect(planRows(plan, fleet)).toEqual({
      header: ['task', 'web1', 'db1', 'all'],
      rows: [
        ['app', '●', '·', '●'],
        ['every', '●', '●', '●'],
      ],
    });
  });
});

describe('a plan knows', () => {
  const tasks = [
    does('all', { steps: ['a', 'b', 'c'], onFailure: 'undo' }),
    does('a'),
    does('b', { committed: true, steps: ['in b'] }),
    does('in b'),
    does('c'),
  ];
  const undo = [does('undo', { steps: ['clear'] }), does('clear'), does('early')];

  test('from which task on a failure is no longer undone: hooks before it are not part of it, its steps are', () => {
    const plan = makePlan([recipe([...tasks, ...undo], { before: { b: 'early' } })], fleet, ['all']);
    expect(plan.tasks.map(({ task, committed }) => [task.name, committed])).toEqual([
      ['a', false],
      ['early', false],
      ['in b', true],
      ['b', true],
      ['c', true],
      ['all', true],
    ]);
  });

  test('what puts things right, laid out like the rest, with its own hooks', () => {
    const plan = makePlan([recipe([...tasks, ...undo], { after: { undo: 'early' } })], fleet, ['all']);
    expect(plan.onFailure.map(({ task, committed }) => [task.name, committed])).toEqual([
      ['clear', false],
      ['undo', false],
      ['early', false],
    ]);
    expect(makePlan([recipe([...tasks, ...undo])], fleet, ['a']).onFailure).toEqual([]);
  });

  test('whether it needs the lock: only when a task with a body changes hosts', () => {
    const reads = does('reads', { locks: false });
    const group = task('group', 'a group', { steps: ['reads'] });
    expect(makePlan([recipe([reads, group])], fleet, ['group']).locks).toBe(false);
    expect(makePlan([recipe([reads, group, does('writes')])], fleet, ['group', 'writes']).locks).toBe(true);
  });
});

describe("the recipes that every project has: Capistrano's words in Capistrano's order", () => {
  test('deploy', async () => {
    const recipes = await standardRecipes();
    expect(order(recipes, 'deploy')).toEqual([
      ...[
        'deploy:check',
        'deploy:pack',
        'swarm:create',
        'swarm:runtime',
        'swarm:track',
        'swarm:seed',
        'swarm:fetch',
        'swarm:stop',
      ],
      ...['deploy:unpack', 'swarm:clean', 'deploy:symlink:shared'],
      ...['deploy:symlink:release', 'deploy:cleanup', 'deploy:log_revision'],
    ]);
    const { tasks, onFailure, locks } = makePlan(recipes, fleet, ['deploy']);
    expect(tasks.find(({ committed }) => committed)?.task.name).toBe('deploy:cleanup');
    expect(onFailure.map(({ task }) => task.name)).toContain('deploy:revert');
    expect(locks).toBe(true);
  });

  test('every hook that Capistrano has may be hooked to', async () => {
    const words =
      'starting started updating updated publishing published finishing finished reverting reverted finishing_rollback finished_rollback failed check restart cleanup'.split(
        ' ',
      );
    const names = new Set(allTasks(await standardRecipes()).map(({ name }) => name));
    expect(words.map((word) => `deploy:${word}`).filter((name) => !names.has(name))).toEqual([]);
  });

  test('what only looks needs no lock', async () => {
    const recipes = await standardRecipes(['uptime']);
    for (const name of ['deploy:check', 'releases', 'run', 'deploy:unlock'])
      expect([name, makePlan(recipes, fleet, [name]).locks]).toEqual([name, false]);
  });
});

test('the tree of a task has its hooks beside it and its steps below it; of a disabled one nothing is shown but itself', () => {
  const tasks = [
    does('a', { steps: ['b', 'c'] }),
    does('b', { steps: ['d'] }),
    ...['c', 'd', 'x', 'y'].map((name) => does(name)),
  ];
  const recipes = [recipe(tasks, { before: { a: 'x' }, after: { c: 'y' }, disable: ['b'] } as never)];
  const lines = taskTree(recipes, 'a').map(({ depth, task: { name }, hook, disabled }) => [
    depth,
    name,
    hook,
    disabled,
  ]);
  expect(lines).toEqual([
    [0, 'x', 'before', false],
    [0, 'a', undefined, false],
    [1, 'b', undefined, true],
    [1, 'c', undefined, false],
    [1, 'y', 'after', false],
  ]);
  expect(makePlan(recipes, fleet, ['a']).tasks.map(({ task: { name } }) => name)).toEqual(['x', 'c', 'y', 'a']);
});
