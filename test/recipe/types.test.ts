import { defineConfig, defineRecipe, dir, setting, type TaskContext, task } from 'rookery';
import { expect, test } from 'vitest';

// What must not compile: `npm run types` fails where one of these lines has no error.

const workers = setting('puma.workers', 2);
const puma = defineRecipe({
  name: 'puma',
  settings: [workers],
  tasks: [task('puma:restart', 'Restart')],
  after: { 'deploy:restart': 'puma:restart' },
});

test('names that are wrong do not compile', () => {
  defineRecipe({
    name: 'wrong',
    uses: [puma],
    tasks: [task('own', '')],
    before: {
      own: 'puma:restart',
      // @ts-expect-error a misspelt word of the flow
      'deploy:restrat': 'own',
    },
    // @ts-expect-error a task that nobody has
    after: { own: 'puma:start' },
  });
  // @ts-expect-error a role that is not declared
  task('x', '', { roles: ['ap'] });
  const body = ({ roles }: TaskContext) => {
    roles('app', 'all');
    // @ts-expect-error a role that is not declared
    roles('ap');
  };
  expect(body).toBeTypeOf('function');
});

test('settings have the types of their recipes', () => {
  const common = { application: 'shop', source: dir('.'), stages: { a: { hosts: ['web1'] } } } as const;
  defineConfig({ ...common, recipes: [puma], set: { 'puma.workers': 3 } });
  // @ts-expect-error a text for a number
  defineConfig({ ...common, recipes: [puma], set: { 'puma.workers': 'three' } });
  // @ts-expect-error a setting that no recipe has
  defineConfig({ ...common, recipes: [puma], set: { 'puma.threads': 3 } });
  const body = async ({ fetch, set }: TaskContext) => {
    const count: number = await fetch(workers);
    set(workers, count + 1);
    // @ts-expect-error another type
    set(workers, 'three');
  };
  expect(body).toBeTypeOf('function');
});
