import { UserError } from '#recipe/user-error.ts';

/** What git answered; never throws for a non-zero exit. */
export interface GitAnswer {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs git and waits. Never prompts: a question nobody sees would hang the deploy. @throws UserError when there is no git */
export const git = async (args: readonly string[], signal: AbortSignal): Promise<GitAnswer> => {
  const { execa } = await import('execa');
  const result = await execa('git', args, { reject: false, cancelSignal: signal, env: QUIET, stdin: 'ignore' });
  if (signal.aborted) throw new UserError('interrupted', 130);
  if (result.code === 'ENOENT') throw new UserError('git is not installed on this machine', 2);
  return { ok: result.exitCode === 0, stdout: result.stdout, stderr: result.stderr };
};

/** The tar stream of `git archive`, of one directory where one is named, and a promise of its good end. */
export const gitArchive = async (
  repository: string,
  commit: string,
  directory: string | undefined,
  signal: AbortSignal,
) => {
  const { execa } = await import('execa');
  const plainly = ['--literal-pathspecs', '-c', 'tar.umask=0022'];
  const what = directory === undefined ? [commit] : [commit, '--', directory];
  const child = execa('git', ['-C', repository, ...plainly, 'archive', '--format=tar', ...what], {
    cancelSignal: signal,
    env: QUIET,
    stdin: 'ignore',
    buffer: { stdout: false, stderr: true },
    encoding: 'buffer',
  });
  const end = child.then(
    () => {},
    (error) => {
      throw new UserError(
        `git archive failed: ${
          Buffer.from(error.stderr ?? '')
            .toString()
            .trim() || error.shortMessage
        }`,
      );
    },
  );
  end.catch(() => {}); // awaited later, after the stream
  return { stream: child.stdout, end };
};

/** A URL, or `user@host:path`, in contrast to a path on this machine. */
export const isRemoteRepository = (repository: string): boolean =>
  /^[a-z][a-z0-9+.-]*:\/\//i.test(repository) || /^[^/:]+@[^/:]+:/.test(repository);

/** A deploy may run in a hook of git's, which sets variables that would win over the repository that we name. */
const QUIET = {
  ...{ GIT_DIR: undefined, GIT_WORK_TREE: undefined, GIT_INDEX_FILE: undefined, GIT_PREFIX: undefined },
  ...{ GIT_OBJECT_DIRECTORY: undefined, GIT_ALTERNATE_OBJECT_DIRECTORIES: undefined },
  ...{ GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' },
};
