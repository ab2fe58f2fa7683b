import type { Task } from './task.ts';

/** Tasks and where they hook into the flow. Later recipes replace tasks of earlier ones by name. */
export interface Recipe {
  readonly kind: 'recipe';
  readonly name: string;
  readonly tasks: readonly Task[];
  /** Task name -> tasks to run just before it. */
  readonly before: Hooks;
  /** Task name -> tasks to run just after it. */
  readonly after: Hooks;
}

export type Hooks = Readonly<Record<string, string | readonly string[]>>;

export interface RecipeDefinition {
  readonly name: string;
  readonly tasks?: readonly Task[];
  readonly before?: Hooks;
  readonly after?: Hooks;
}

/** Defines a recipe; put it into `recipes` of deploy.config.ts. */
export const defineRecipe = (definition: RecipeDefinition): Recipe =>
  Object.freeze({ kind: 'recipe', tasks: [], before: {}, after: {}, ...definition });
