import type { CommandMap } from '#recipe/command-context.ts';
import type { Recipe } from '#recipe/recipe.ts';

/** What programs' names stand for: a later recipe replaces an earlier one's program, and prefixes add up, the earlier recipe's first. */
export const commandMapOf = (recipes: readonly Recipe[]): CommandMap => {
  const prefix: Record<string, string[]> = {};
  for (const recipe of recipes) {
    for (const [program, words] of Object.entries(recipe.prefix))
      prefix[program] = [...(prefix[program] ?? []), ...words];
  }
  return { commands: Object.assign({}, ...recipes.map(({ commands }) => commands)), prefix };
};
