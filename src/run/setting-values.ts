import type { Recipe } from '#recipe/recipe.ts';
import type { Ask, Fetch, Setting } from '#recipe/setting.ts';
import { suggest } from '#recipe/suggest.ts';
import { UserError } from '#recipe/user-error.ts';

export interface SettingValues {
  readonly fetch: Fetch;
  readonly set: <T>(setting: Setting<string, T>, value: T) => void;
}

/** The settings of all recipes with the values that were written for them; the others are computed when they are first fetched. @throws UserError, exit code 2, with every problem at once */
export const openSettings = (
  recipes: readonly Recipe[],
  written: Readonly<Record<string, unknown>>,
  ask: Ask,
): SettingValues => {
  const known = new Map(recipes.flatMap((recipe) => recipe.settings).map((setting) => [setting.name, setting]));
  const values = new Map<string, Promise<unknown>>();
  const problems: string[] = [];
  for (const [name, value] of Object.entries(written)) {
    const setting = known.get(name);
    if (setting === undefined)
      problems.push(`set: no recipe has a setting '${name}'${suggest(name, [...known.keys()])}`);
    else {
      try {
        values.set(name, Promise.resolve(setting.parse(value)));
      } catch (error) {
        problems.push(`set: ${name} ${(error as Error).message}`);
      }
    }
  }
  if (problems.length > 0) throw new UserError(problems.join('\n'), 2);
  const fetch: Fetch = <T>(setting: Setting<string, T>): Promise<T> => {
    if (!values.has(setting.name)) values.set(setting.name, compute(setting));
    return values.get(setting.name) as Promise<T>;
  };
  const compute = async ({ fallback }: Setting): Promise<unknown> =>
    typeof fallback === 'function' ? (fallback as (around: object) => unknown)({ fetch, ask }) : fallback;
  return { fetch, set: ({ name }, value) => void values.set(name, Promise.resolve(value)) };
};
