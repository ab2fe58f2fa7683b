import { UserError } from '#recipe/user-error.ts';

/** The options that have to do with locks, for yargs. */
export const LOCK_OPTIONS = {
  'wait-lock': { type: 'string', describe: 'wait for the lock of another run, at most so many seconds; alone: 900' },
  message: { alias: 'm', type: 'string', requiresArg: true, describe: 'why the hosts are locked, for deploy:lock' },
} as const;

/** `--wait-lock` may stand alone, and what follows it is a task more often than a time. */
export const withWaitingTime = (argv: readonly string[]): string[] => {
  const words = argv.includes('--') ? argv.indexOf('--') : argv.length;
  return argv.map((word, index) => {
    const alone = word === '--wait-lock' && index < words && !/^\d+$/.test(argv[index + 1] ?? '');
    return alone ? '--wait-lock=900' : word;
  });
};

/** The time of `--wait-lock`. @throws UserError where it is none */
export const waitingTime = (written: string | undefined): number | undefined => {
  if (written !== undefined && !/^\d{1,9}$/.test(written))
    throw new UserError(`--wait-lock takes seconds, not '${written}'`, 2);
  return written === undefined ? undefined : Number(written);
};

/** @throws UserError where there is a message and nothing that it could belong to */
export const refuseStrayMessage = (message: string | undefined, words: readonly string[]): void => {
  if (message === undefined || words.includes('deploy:lock')) return;
  throw new UserError(`-m says why the hosts are locked: write \`deploy <stage> deploy:lock -m "${message}"\``, 2);
};
