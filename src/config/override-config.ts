import { UserError } from '#recipe/user-error.ts';
import type { WrittenConfig } from './written-config.ts';

/** Puts `--set key=value` words into the written configuration of a stage; the result is checked like any other. Values are JSON where they parse as JSON, otherwise text. */
export const overrideConfig = (
  written: WrittenConfig,
  stage: string,
  settings: readonly string[],
  ref?: string,
): WrittenConfig => {
  const target = { ...written.stages[stage] } as Record<string, unknown>;
  for (const setting of settings) {
    const at = setting.indexOf('=');
    if (at <= 0) throw new UserError(`--set ${setting}: write --set key=value, as in --set keepReleases=3`, 2);
    const name = setting.slice(0, at);
    if (isOfRecipe(name)) {
      target.set = { ...((target.set ?? {}) as object), [name]: parseValue(setting.slice(at + 1)) };
      continue;
    }
    const path = name.split('.');
    const key = path[0] as keyof WrittenConfig;
    if (path.length > 1) target[key] ??= written[key];
    assign(target, path, parseValue(setting.slice(at + 1)));
  }
  if (ref !== undefined) {
    const source = (target.source ?? written.source) as { kind?: string } | undefined;
    if (source?.kind !== 'git')
      throw new UserError(`--ref is for a git source; this stage deploys ${source?.kind ?? 'none'}`, 2);
    target.source = { ...source, ref };
  }
  return { ...written, stages: { ...written.stages, [stage]: target as never } };
};

/** Settings of recipes have a name with a dot, and so have the keys inside these. */
const isOfRecipe = (name: string): boolean =>
  /^[^.]+\./.test(name) && !/^(ssh|swarm|source|hosts|stages|recipes|set)\./.test(name);

const assign = (target: Record<string, unknown>, [key = '', ...rest]: string[], value: unknown): void => {
  if (rest.length === 0) {
    target[key] = value;
    return;
  }
  const inner = typeof target[key] === 'object' && target[key] !== null ? { ...(target[key] as object) } : {};
  target[key] = inner;
  assign(inner as Record<string, unknown>, rest, value);
};

const parseValue = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};
