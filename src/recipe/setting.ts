import type { AskOptions } from './ask.ts';

/**
 * A value that a recipe declares and a project may choose: in `set` of the configuration, by `--set name=value`, or by
 * `set` in a task. Its name starts with the recipe's, as `puma.workers`.
 */
export interface Setting<Name extends string = string, T = unknown> {
  readonly kind: 'setting';
  readonly name: Name;
  readonly description: string;
  /** The value, or what computes it when it is first asked for. */
  readonly fallback: T | Lazy<T>;
  /** The value as it is used, of one that was written. @throws Error whose message says what it must be */
  readonly parse: (value: unknown) => T;
}

/** Computes a value, once, when it is first fetched. */
export type Lazy<T> = (around: { readonly fetch: Fetch; readonly ask: Ask }) => T | Promise<T>;
export type Fetch = <T>(setting: Setting<string, T>) => Promise<T>;
export type Ask = (question: string, options?: AskOptions) => Promise<string>;

export interface SettingOptions<T> {
  readonly description?: string;
  /** Checks a written value and returns it as it is used. @default it must be of the same type as a plain fallback */
  readonly parse?: (value: unknown) => T;
}

/** Declares a setting: `setting('puma.workers', 2)`, or a computed one: `setting('slack.token', ({ ask }) => ask('Token', { hidden: true }))`. */
export const setting = <const Name extends `${string}.${string}`, T>(
  name: Name,
  fallback: T | Lazy<T>,
  { description = '', parse = likeFallback(fallback) }: SettingOptions<T> = {},
): Setting<Name, T> => Object.freeze({ kind: 'setting', name, fallback, description, parse });

const likeFallback =
  <T>(example: T | Lazy<T>) =>
  (value: unknown): T => {
    if (typeof example === 'function' || kindOf(value) === kindOf(example)) return value as T;
    throw new Error(`must be ${kindOf(example)}, is ${kindOf(value)}`);
  };

const kindOf = (value: unknown): string => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return { string: 'a text', number: 'a number', boolean: 'true or false' }[typeof value as string] ?? 'an object';
};
