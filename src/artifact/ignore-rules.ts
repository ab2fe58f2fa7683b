import ignore from 'ignore';

/** Tells whether an entry stays behind. */
export type Ignore = (name: string, isDirectory: boolean) => boolean;

/** The rules of a .deployignore (gitignore's syntax). Repositories never travel, at any depth, nor does our own directory, which may hold embedded hosts. */
export const ignoreRules = (text: string | undefined): Ignore => {
  const rules = text === undefined ? undefined : ignore({ ignoreCase: false }).add(text);
  return (name, isDirectory) =>
    name.split('/').some((part) => NEVER.has(part)) || (rules?.ignores(isDirectory ? `${name}/` : name) ?? false);
};

const NEVER = new Set(['.git', '.rookery']);

/** Name of the file with the rules, at the root of the source. */
export const IGNORE_FILE = '.deployignore';
