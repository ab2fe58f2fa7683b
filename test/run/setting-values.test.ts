import { expect, test } from 'vitest';
import { defineRecipe } from '#recipe/recipe.ts';
import { setting } from '#recipe/setting.ts';
import { openSettings } from '#run/setting-values.ts';

const workers = setting('puma.workers', 2);
const urls = setting('puma.urls', ['http://localhost']);
const token = setting('puma.token', ({ ask }) => ask('Token'));
const both = setting('puma.both', async ({ fetch }) => `${await fetch(workers)} ${await fetch(token)}`);
const recipes = [defineRecipe({ name: 'puma', settings: [workers, urls, token, both] })];
const noTerminal = () => Promise.reject(new Error('nobody asks'));

test('values as written win over those of the recipe; what is computed is computed once', async () => {
  let asked = 0;
  const { fetch, set } = openSettings(recipes, { 'puma.workers': 5 }, async () => `answer ${++asked}`);
  expect(await fetch(workers)).toBe(5);
  expect(await fetch(urls)).toEqual(['http://localhost']);
  expect(await fetch(both)).toBe('5 answer 1');
  expect(await fetch(token)).toBe('answer 1');
  set(workers, 7);
  expect(await fetch(workers)).toBe(7);
});

test('every problem is told at once, with a suggestion', () => {
  const written = { 'puma.wrokers': 3, 'puma.workers': 'many', 'puma.urls': 'x' };
  expect(() => openSettings(recipes, written, noTerminal)).toThrow(
    [
      "set: no recipe has a setting 'puma.wrokers'; did you mean 'puma.workers'?",
      'set: puma.workers must be a number, is a text',
      'set: puma.urls must be a list, is a text',
    ].join('\n'),
  );
});
