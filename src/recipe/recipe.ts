import type { Setting } from './setting.ts';
import type { Task } from './task.ts';
import type { Word } from './words.ts';

/** Tasks, settings, and where they hook into the flow. Later recipes replace tasks of earlier ones by name. */
export interface Recipe<Name extends string = string, S extends Setting = Setting> {
  readonly kind: 'recipe';
  readonly name: string;
  readonly tasks: readonly Task<Name>[];
  readonly settings: readonly S[];
  /** Recipes that this one builds on: they come along, once, before it. */
  readonly uses: readonly Recipe[];
  /** Task name -> tasks to run just before it. */
  readonly before: Hooks;
  /** Task name -> tasks to run just after it. */
  readonly after: Hooks;
  /** Tasks that shall not run, with their steps and hooks. */
  readonly disable: readonly string[];
  /** Program name -> what is run in its place; for argument lists, not for shell text. Capistrano: SSHKit.config.command_map. */
  readonly commands: Readonly<Record<string, readonly string[]>>;
  /** Program name -> what goes before it; those of earlier recipes go first. Capistrano: command_map.prefix. */
  readonly prefix: Readonly<Record<string, readonly string[]>>;
}

export type Hooks<Name extends string = string> = { readonly [K in Name]?: Name | readonly Name[] };

export interface RecipeDefinition<
  T extends readonly Task[] = readonly Task[],
  U extends readonly Recipe[] = readonly Recipe[],
  S extends readonly Setting[] = readonly Setting[],
> {
  readonly name: string;
  readonly tasks?: T;
  readonly settings?: S;
  readonly uses?: U;
  readonly before?: Hooks<Known<T, U>>;
  readonly after?: Hooks<Known<T, U>>;
  readonly disable?: readonly Known<T, U>[];
  readonly commands?: Readonly<Record<string, readonly string[]>>;
  readonly prefix?: Readonly<Record<string, readonly string[]>>;
}

/** What a recipe may hook to: the standard words, its own tasks, and those of the recipes that it uses. */
type Known<T extends readonly Task[], U extends readonly Recipe[]> =
  | Word
  | T[number]['name']
  | U[number]['tasks'][number]['name'];

/** Defines a recipe; put it into `recipes` of deploy.config.ts. A hook to a task that it cannot know does not compile. */
export const defineRecipe = <
  const T extends readonly Task[] = [],
  const U extends readonly Recipe[] = [],
  const S extends readonly Setting[] = [],
>(
  definition: RecipeDefinition<T, U, S>,
): Recipe<T[number]['name'], S[number]> =>
  Object.freeze({
    ...{ kind: 'recipe', tasks: [], settings: [], uses: [], before: {}, after: {}, disable: [] },
    ...{ commands: {}, prefix: {} },
    ...definition,
  }) as never;
