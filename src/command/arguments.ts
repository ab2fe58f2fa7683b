import { createRequire } from 'node:module';
import { posix } from 'node:path';
import { UserError } from '#recipe/user-error.ts';
import { refuseStrayMessage, waitingTime, withWaitingTime } from './lock-options.ts';
import { EPILOGUE, OPTIONS, USAGE } from './usage.ts';

/** A command line, understood. */
export interface Arguments {
  readonly command: 'run-tasks' | 'init' | 'tasks' | 'doctor';
  /** Empty for commands that need none. */
  readonly stage: string;
  readonly tasks: readonly string[];
  /** What stands after `run --`: one word is shell text, several are an argument list. */
  readonly remoteCommand: readonly string[];
  /** What `distribute` brings, and where to. */
  readonly distribution?: { readonly path: string; readonly to: string; readonly remove: boolean };
  readonly roles?: readonly string[];
  readonly hosts?: readonly string[];
  readonly limit?: string;
  readonly ref?: string;
  readonly release?: string;
  readonly onlyFailed: boolean;
  /** Seconds to wait for the lock. */
  readonly waitLock?: number;
  /** Why the hosts are locked. */
  readonly message?: string;
  readonly settings: readonly string[];
  readonly format?: 'tty' | 'plain' | 'json';
  readonly config?: string;
  readonly plan: boolean;
  readonly dryRun: boolean;
  readonly onFailure?: 'stop' | 'continue';
  readonly maxFailures?: string;
  readonly yes: boolean;
  readonly tree: boolean;
  readonly verbosity: -1 | 0 | 1;
  readonly trace: boolean;
  readonly color: boolean;
}

/** Reads the words of a command line; `text` is what --help and --version print. @throws UserError, exit code 2 */
export const parseArguments = async (argv: readonly string[]): Promise<Arguments | { text: string }> => {
  const { default: yargs } = await import('yargs');
  const { version } = createRequire(import.meta.url)('rookery/package.json') as { version: string };
  let text: string | undefined;
  const parser = yargs()
    .scriptName('deploy')
    .usage(USAGE)
    .options(OPTIONS)
    .parserConfiguration({
      'populate--': true,
      'duplicate-arguments-array': true,
      'boolean-negation': true,
      'camel-case-expansion': true,
    })
    .strictOptions()
    .exitProcess(false)
    .wrap(100)
    .epilogue(EPILOGUE)
    .help()
    .alias('h', 'help')
    .version(version)
    .alias('V', 'version')
    .fail((message, error) => {
      throw error ?? new UserError(explain(message), 2);
    });
  const words = await parser.parseAsync(withWaitingTime(argv), {}, (_error, _argv, output) => {
    if (output) text = output;
  });
  if (text !== undefined) return { text };
  return understand(words as unknown as Words);
};

/** yargs names an unknown option in both of its spellings. */
const explain = (message: string): string => {
  const [, names] = message.match(/^Unknown arguments?: (.*)$/) ?? [];
  if (names === undefined) return `${message}; \`deploy --help\` lists the options`;
  const unknown = names.split(', ').filter((name) => !/[A-Z]/.test(name));
  const written = (name: string) => (name.length === 1 ? `-${name}` : `--${name}`);
  return `unknown option: ${unknown.map(written).join(', ')}; \`deploy --help\` lists the options`;
};

/** The words of a command line as yargs leaves them. */
export interface Words {
  readonly _: readonly (string | number)[];
  readonly '--'?: readonly (string | number)[];
  readonly [option: string]: unknown;
}

const understand = (words: Words): Arguments => {
  const [first, ...rest] = words._.map(String);
  if (first === undefined)
    throw new UserError(
      'which stage? Write `deploy production`, or `deploy init` to begin; `deploy --help` tells more',
      2,
    );
  if (first === 'swarm') throw new UserError('`swarm` has to be the first word: `deploy swarm --help` tells more', 2);
  const after = (words['--'] ?? []).map(String);
  const common = { ...options(words), remoteCommand: rest[0] === 'run' ? [...rest.slice(1), ...after] : [] };
  refuseStrayMessage(common.message, rest);
  if (first === 'init') return { ...common, command: 'init', stage: '', tasks: [] };
  if (first === 'doctor') return { ...common, command: 'doctor', stage: rest[0] ?? '', tasks: ['doctor'] };
  if (first === 'tasks') return { ...common, command: 'tasks', stage: rest[0] ?? '', tasks: [] };
  if (rest[0] === 'run' && common.remoteCommand.length === 0)
    throw new UserError(`run what? Write \`deploy ${first} run -- uptime\``, 2);
  if (rest[0] !== 'run' && after.length > 0) throw new UserError('what stands after -- belongs to `run`', 2);
  if (rest[0] === 'distribute')
    return { ...common, command: 'run-tasks', stage: first, tasks: ['distribute'], distribution: distribution(words) };
  if (words.to !== undefined || words.delete !== undefined)
    throw new UserError(`--${words.to === undefined ? 'delete' : 'to'} belongs to \`distribute\``, 2);
  const tasks = rest.length === 0 ? ['deploy'] : rest[0] === 'run' ? ['run'] : rest;
  if (common.release !== undefined && tasks.includes('deploy'))
    throw new UserError(
      `--release names a release to roll back to: write \`deploy ${first} deploy:rollback --release ${common.release}\``,
      2,
    );
  if (common.onlyFailed && tasks.join(' ') !== 'deploy')
    throw new UserError(`--only-failed finishes a deploy: write \`deploy ${first} --only-failed\``, 2);
  if (common.onlyFailed && common.ref !== undefined)
    throw new UserError('--only-failed deploys the revision that was deployed last: leave --ref out', 2);
  return { ...common, command: 'run-tasks', stage: first, tasks };
};

/** `distribute <path> --to <path on hosts>`. */
const distribution = (words: Words): NonNullable<Arguments['distribution']> => {
  const [stage, , path, ...more] = words._.map(String);
  const to = one(words, 'to');
  if (path === undefined || to === undefined || more.length > 0)
    throw new UserError(
      `distribute what, and where to? Write \`deploy ${stage} distribute <path> --to <path on hosts>\``,
      2,
    );
  if (!to.startsWith('/')) throw new UserError(`--to must be an absolute path on the hosts, is '${to}'`, 2);
  return { path, to: posix.normalize(to), remove: words.delete === true };
};

const options = (words: Words) => ({
  ...optional('roles', list(words.roles)),
  ...optional('hosts', list(words.hosts)),
  ...optional('limit', one(words, 'limit')),
  ...optional('ref', one(words, 'ref')),
  ...optional('release', one(words, 'release')),
  ...optional('waitLock', waitingTime(one(words, 'wait-lock'))),
  ...optional('message', one(words, 'message')),
  ...optional('format', one(words, 'format') as Arguments['format']),
  ...optional('config', one(words, 'config')),
  onlyFailed: Boolean(words['only-failed']),
  settings: all(words.set),
  ...optional('onFailure', one(words, 'on-failure') as Arguments['onFailure']),
  ...optional('maxFailures', one(words, 'max-failures')),
  plan: words.plan === true,
  dryRun: words['dry-run'] === true,
  yes: words.yes === true,
  tree: words.tree === true,
  verbosity: words.quiet ? (-1 as const) : words.verbose ? (1 as const) : (0 as const),
  trace: words.trace === true,
  color: words.color !== false,
});

/** The key, where it has a value. */
export const optional = <K extends string, T>(key: K, value: T | undefined): { [key in K]?: T } =>
  (value === undefined ? {} : { [key]: value }) as { [key in K]?: T };

/** An option that may stand once. @throws UserError where it stands twice, or is empty */
export const one = (words: Words, name: string): string | undefined => {
  const values = all(words[name]);
  if (values.length > 1) throw new UserError(`--${name} stands more than once`, 2);
  if (values[0] === '') throw new UserError(`--${name} needs a value`, 2);
  return values[0];
};

const list = (value: unknown): string[] | undefined => {
  const words = all(value)
    .flatMap((part) => part.split(','))
    .filter((part) => part !== '');
  return value === undefined ? undefined : words;
};

/** The values of an option that may stand several times. */
export const all = (value: unknown): string[] => (value === undefined ? [] : [value].flat().map(String));
