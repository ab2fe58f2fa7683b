import ignore from 'ignore';

/** Tells whether an entry stays behind. */
export type Ignore = (name: string, isDirectory: boolean) => boolean;

/** The rules of a .deployignore (gitignore's syntax); `.git` never travels, at any depth. */
export const ignoreRules = (text: string | undefined): Ignore => {
  const rules = text === undefined ? undefined : ignore({ ignoreCase: false }).add(text);
  return (name, isDirectory) =>
    name.split('/').includes('.git') || (rules?.ignores(isDirectory ? `${name}/` : name) ?? false);
};

/** Name of the file with the rules, at the root of the source. */
export const IGNORE_FILE = '.deployignore';
