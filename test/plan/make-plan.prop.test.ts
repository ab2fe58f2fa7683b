import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makePlan } from '#plan/make-plan.ts';
import type { Hooks } from '#recipe/recipe.ts';
import { defineRecipe } from '#recipe/recipe.ts';
import type { RoleName } from '#recipe/roles.ts';
import { task } from '#recipe/task.ts';
import { inventoryOf } from '../inventory/hosts.ts';

const ROLES: RoleName[] = ['app', 'db', 'web'];

interface Node {
  readonly steps: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly body: boolean;
  readonly roles: readonly RoleName[];
  readonly committed: boolean;
}

/** Tasks that name later tasks only, so that there is no circle. The last ones are leaves, which bounds the plan. */
const graph: fc.Arbitrary<Node[]> = fc.integer({ min: 1, max: 9 }).chain((count) =>
  fc.tuple(
    ...Array.from({ length: count }, (_, index) => {
      const later =
        index + 1 < count
          ? fc.array(fc.integer({ min: index + 1, max: count - 1 }), { maxLength: 2 })
          : fc.constant([]);
      return fc.record({
        steps: later,
        before: later,
        after: later,
        body: fc.boolean(),
        roles: fc.subarray(ROLES),
        committed: fc.boolean(),
      });
    }),
  ),
);

const recipeOf = (nodes: readonly Node[]) => {
  const names = (indexes: readonly number[]) => indexes.map((index) => `t${index}`);
  const hooks = (when: 'before' | 'after') =>
    Object.fromEntries(nodes.map((node, index) => [`t${index}`, names(node[when])]));
  return defineRecipe({
    name: 'random',
    tasks: nodes.map((node, index) =>
      task(`t${index}` as string, '', {
        steps: names(node.steps),
        roles: node.roles,
        committed: node.committed,
        ...(node.body ? { run: () => {} } : {}),
      }),
    ),
    before: hooks('before') as Hooks,
    after: hooks('after') as Hooks,
  });
};

/** The same by the definition, written as it reads. */
const expected = (nodes: readonly Node[], index: number): string[] => {
  const node = nodes[index]!;
  const all = (indexes: readonly number[]) => indexes.flatMap((other) => expected(nodes, other));
  return [...all(node.before), ...all(node.steps), ...(node.body ? [`t${index}`] : []), ...all(node.after)];
};

const host = fc.record({
  host: fc.integer({ min: 1, max: 60 }).map((n) => `h${n}`),
  roles: fc.subarray(ROLES, { minLength: 1 }),
});
const fleets = fc.uniqueArray(host, { selector: ({ host }) => host, minLength: 1, maxLength: 8 });

test('every task stands in the plan once for each time that it is named, in the order that the definition says', () => {
  fc.assert(
    fc.property(graph, fleets, (nodes, fleet) => {
      const { tasks } = makePlan([recipeOf(nodes)], inventoryOf(fleet), ['t0']);
      expect(tasks.map((planned) => planned.task.name)).toEqual(expected(nodes, 0));
    }),
  );
});

test('the order of tasks does not depend on the inventory, and the hosts of each follow its order', () => {
  fc.assert(
    fc.property(graph, fleets, (nodes, fleet) => {
      const recipes = [recipeOf(nodes)];
      const plan = makePlan(recipes, inventoryOf(fleet), ['t0']);
      const reversed = makePlan(recipes, inventoryOf(fleet.toReversed()), ['t0']);
      expect(reversed.tasks.map(({ hosts, ...rest }) => ({ ...rest, hosts: hosts.toReversed() }))).toEqual(plan.tasks);
    }),
  );
});

test('a task runs exactly on the hosts that have one of its roles', () => {
  fc.assert(
    fc.property(graph, fleets, (nodes, fleet) => {
      for (const { task, hosts } of makePlan([recipeOf(nodes)], inventoryOf(fleet), ['t0']).tasks) {
        expect(hosts).toEqual(
          fleet.filter(({ roles }) => roles.some((role) => task.roles?.includes(role))).map(({ host }) => host),
        );
      }
    }),
  );
});

test('once committed, a plan stays so', () => {
  fc.assert(
    fc.property(graph, (nodes) => {
      const committed = makePlan([recipeOf(nodes)], inventoryOf(['a']), ['t0']).tasks.map(
        (planned) => planned.committed,
      );
      expect(committed).toEqual([...committed].sort());
    }),
  );
});
