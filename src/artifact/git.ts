import { PassThrough, pipeline } from 'node:stream';
import { UserError } from '#recipe/user-error.ts';

/** What git answered; never throws for a non-zero exit. */
export interface GitAnswer {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs git and waits. Never prompts: a question nobody sees would hang the deploy. @throws UserError when there is no git */
export const git = async (
  args: readonly string[],
  signal: AbortSignal,
  more: Readonly<Record<string, string>> = {},
): Promise<GitAnswer> => {
  const { execa } = await import('execa');
  const env = { ...QUIET, ...more };
  const result = await execa('git', args, { reject: false, cancelSignal: signal, env, stdin: 'ignore' });
  if (signal.aborted) throw new UserError('interrupted', 130);
  if (result.code === 'ENOENT') throw new UserError('git is not installed on this machine', 2);
  return { ok: result.exitCode === 0, stdout: result.stdout, stderr: result.stderr };
};

/** The tar stream of `git archive`, of these paths alone where some are named, and a promise of its good end. */
export const gitArchive = async (repository: string, commit: string, paths: readonly string[], signal: AbortSignal) => {
  const { execa } = await import('execa');
  const plainly = ['--literal-pathspecs', '-c', 'tar.umask=0022'];
  const what = paths.length === 0 ? [commit] : [commit, '--', ...paths];
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
  const stream = new PassThrough(); // Node throws away what nobody reads of a program that has ended
  pipeline(child.stdout, stream, () => {}); // an error is git's, and told by the end
  return { stream, end };
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
