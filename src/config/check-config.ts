import * as v from 'valibot';
import { suggest } from '#recipe/suggest.ts';
import { configSchema } from './schema.ts';
import type { WrittenConfig } from './written-config.ts';

/** Words that a stage may not be named: they are commands. */
const RESERVED = [
  'init',
  'tasks',
  'doctor',
  'swarm',
  'run',
  'releases',
  'distribute',
  'deploy',
  'help',
  'install',
  'console',
];

/** Every problem in a written configuration, each with its path and, where a key is misspelt, a suggestion; empty when it is right. */
export const configProblems = (written: unknown): string[] => {
  const result = v.safeParse(configSchema, written);
  const problems = result.success ? [] : result.issues.map(describeIssue);
  const stages = (written as WrittenConfig | undefined)?.stages;
  const names = typeof stages === 'object' && stages !== null ? Object.keys(stages) : [];
  const reserved = names
    .filter((name) => RESERVED.includes(name))
    .map((name) => `stages.${name}: '${name}' is a command; give the stage another name`);
  return [...problems, ...reserved];
};

type Issue = v.InferIssue<typeof configSchema>;

const describeIssue = (issue: Issue): string => {
  const path = describePath(issue.path ?? []);
  const last = issue.path?.at(-1);
  if (issue.kind === 'schema' && issue.type === 'strict_object' && last !== undefined) {
    if (issue.expected === 'never') return `${path}: unknown key${suggestKey(String(last.key), issue)}`;
    if (issue.received === 'undefined') return `${path}: is missing`;
  }
  return `${path || 'the configuration'}: ${wordsFor(issue)}`;
};

const wordsFor = (issue: Issue): string => {
  if (issue.kind === 'schema' && /^Invalid type/.test(issue.message))
    return `must be ${article(issue.expected ?? 'another type')}, is ${issue.received}`;
  if (issue.message.startsWith('Invalid')) return `must be ${issue.expected}, is ${issue.received}`;
  return issue.type === 'min_length' || issue.received === 'Object'
    ? issue.message
    : `${issue.message}, is ${issue.received}`;
};

const article = (type: string): string =>
  ({ string: 'a text', number: 'a number', boolean: 'true or false', Object: 'an object', Array: 'a list' })[type] ??
  type;

/** The keys that were possible at that place are those of the object schema that complained. */
const suggestKey = (key: string, issue: Issue): string => {
  return suggest(key, Object.keys(schemaEntries(issue.path?.slice(0, -1) ?? [])));
};

const schemaEntries = (
  path: readonly { readonly key: unknown; readonly value: unknown }[],
): Record<string, unknown> => {
  let schema: unknown = configSchema;
  for (const step of path) schema = enter(schema, step.key);
  return (resolve(schema, path.at(-1)?.value) as { entries?: Record<string, unknown> })?.entries ?? {};
};

const enter = (schema: unknown, key: unknown): unknown => {
  const { entries, item, value, getter, pipe, wrapped } = (schema ?? {}) as Record<string, never>;
  if (wrapped) return enter(wrapped, key);
  if (pipe && !entries && !item && !value) return enter(pipe[0], key);
  if (entries) return entries[key as never];
  if (getter) return enter((getter as (input: unknown) => unknown)(typeof key === 'number' ? [] : {}), key);
  return item ?? value;
};

const resolve = (schema: unknown, value: unknown): unknown => {
  const { wrapped, getter, options } = (schema ?? {}) as Record<string, never>;
  if (wrapped) return resolve(wrapped, value);
  if (getter) return resolve((getter as (input: unknown) => unknown)(value), value);
  if (options)
    return (options as { entries: { kind: { literal: string } } }[]).find(
      (option) => option.entries.kind.literal === (value as { kind?: string })?.kind,
    );
  return schema;
};

const describePath = (path: readonly { readonly key?: unknown }[]): string =>
  path
    .map(({ key }, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${String(key)}`))
    .join('');
