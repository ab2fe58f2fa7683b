import { readdir, readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { UserError } from '#recipe/user-error.ts';
import { matchesPattern } from './pattern.ts';

/** One line of an ssh_config file. */
export interface Directive {
  /** In lower case. */
  readonly keyword: string;
  /** Its words, quotes removed. */
  readonly args: readonly string[];
  /** All that stands behind the keyword, as written: a command for a shell. */
  readonly raw: string;
  /** `file:line`. */
  readonly from: string;
  /** What an `Include` names: the files in their order. */
  readonly included: SshConfig;
}

/** The files in the order in which OpenSSH reads them, each with its lines. */
export type SshConfig = readonly (readonly Directive[])[];

export interface SshConfigPlace {
  readonly path: string;
  /** A file that the user named has to exist. */
  readonly named: boolean;
  /** Where relative names of `Include` start: ~/.ssh, or /etc/ssh for the system's file. */
  readonly base: string;
}

/** The files that are read: those that were named, or the user's and then the system's. */
export const sshConfigPlaces = (named: readonly string[] | undefined, home: string): SshConfigPlace[] =>
  named?.map((path) => ({ path, named: true, base: join(home, '.ssh') })) ?? [
    { path: join(home, '.ssh', 'config'), named: false, base: join(home, '.ssh') },
    { path: '/etc/ssh/ssh_config', named: false, base: '/etc/ssh' },
  ];

/** Reads ssh_config files and what they include. The parser is loaded when there is something to parse. @throws UserError with file and line */
export const readSshConfig = async (places: readonly SshConfigPlace[], home: string): Promise<SshConfig> => {
  const read = async ({ path, named, base }: SshConfigPlace, depth: number): Promise<readonly Directive[]> => {
    if (depth > MAX_DEPTH) throw new UserError(`${path}: files of ssh_config include each other in a circle`, 2);
    const text = await readText(path, named);
    const lines: Directive[] = [];
    for (const { line, ...directive } of text === '' ? [] : await parseText(path, text)) {
      const names = directive.keyword === 'include' ? directive.args : [];
      const files = (await Promise.all(names.map((name) => expandGlob(includedPath(name, base, home))))).flat();
      const included = await Promise.all(files.map((file) => read({ path: file, named: false, base }, depth + 1)));
      lines.push({ ...directive, from: `${path}:${line}`, included });
    }
    return lines;
  };
  return Promise.all(places.map((place) => read(place, 0)));
};

/** As many files may include one another in a row: OpenSSH's number. */
const MAX_DEPTH = 16;

const readText = async (path: string, named: boolean): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!named && (code === 'ENOENT' || code === 'ENOTDIR')) return '';
    throw new UserError(
      `the SSH configuration ${path} ${code === 'ENOENT' ? 'does not exist' : `cannot be read: ${code}`}; name another one in ssh.configFile, or set it to false`,
      2,
    );
  }
};

/** ssh-config's parser, a line at a time, so that every value knows where it stands; sections are `lookUp`'s matter. */
const parseText = async (path: string, text: string) => {
  const { parse, LineType } = await import('ssh-config');
  return text.split('\n').flatMap((written, index) => {
    let found: ReturnType<typeof parse>[number] | undefined;
    try {
      [found] = parse(written.replace(/^(\s*)match\b/i, '$1Host')); // its own idea of Match knows no `!final`
    } catch {
      throw new UserError(`${path}:${index + 1}: cannot be understood: ${written.trim()}`, 2);
    }
    if (found?.type !== LineType.DIRECTIVE || found.param === '') return [];
    const { value } = found;
    const param = written.trim().match(/^[^\s=]+/)?.[0] ?? '';
    const args = typeof value === 'string' ? [value] : value.map(({ val }) => val);
    const raw = written
      .trim()
      .slice(param.length)
      .replace(/^[\s=]+/, '');
    return [{ keyword: param.toLowerCase(), args: args.map(unquote), raw, line: index + 1 }];
  });
};

/** The parser leaves single quotes to us. */
const unquote = (word: string): string => word.replace(/^'(.*)'$/, '$1');

const includedPath = (name: string, base: string, home: string): string => {
  if (name.startsWith('~/')) return join(home, name.slice(2));
  return isAbsolute(name) ? name : join(base, name);
};

/** The files that a path with `*` and `?` stands for, sorted. */
const expandGlob = async (path: string): Promise<string[]> => {
  if (!/[*?]/.test(path)) return [path];
  const [parent, name] = [dirname(path), path.slice(path.lastIndexOf('/') + 1)];
  const parents = await expandGlob(parent);
  const found = parents.map(async (directory) => {
    if (!/[*?]/.test(name)) return [join(directory, name)];
    const entries = await readdir(directory).catch(() => []);
    const hidden = name.startsWith('.');
    return entries
      .filter((entry) => entry.startsWith('.') === hidden && matchesPattern(name, entry))
      .sort()
      .map((entry) => join(directory, entry));
  });
  return (await Promise.all(found)).flat();
};
