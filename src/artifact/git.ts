import { execFile, spawn } from 'node:child_process';
import { PassThrough, pipeline } from 'node:stream';
import { keepTail } from '#recipe/process-output.ts';
import { UserError } from '#recipe/user-error.ts';

/** What git answered; never throws for a non-zero exit. */
export interface GitAnswer {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs git and waits. Never prompts: a question nobody sees would hang the deploy. By Node's own means, since a small deploy
 * asks four times, and loading execa for it takes a tenth of its time. @throws UserError when there is no git
 */
export const git = (
  args: readonly string[],
  signal: AbortSignal,
  more: Readonly<Record<string, string>> = {},
): Promise<GitAnswer> =>
  new Promise((resolve, reject) => {
    const options = { env: { ...process.env, ...QUIET, ...more }, signal, maxBuffer: Number.POSITIVE_INFINITY };
    const child = execFile('git', args, options, (error, stdout, stderr) => {
      if (signal.aborted) return reject(new UserError('interrupted', 130));
      if (error?.code === 'ENOENT') return reject(new UserError('git is not installed on this machine', 2));
      resolve({ ok: error === null, stdout: stdout.replace(/\n$/, ''), stderr: stderr.replace(/\n$/, '') });
    });
    child.stdin?.end();
  });

/** The tar stream of `git archive`, of these paths alone where some are named, and a promise of its good end. */
export const gitArchive = (repository: string, commit: string, paths: readonly string[], signal: AbortSignal) => {
  const plainly = ['--literal-pathspecs', '-c', 'tar.umask=0022'];
  const what = paths.length === 0 ? [commit] : [commit, '--', ...paths];
  const child = spawn('git', ['-C', repository, ...plainly, 'archive', '--format=tar', ...what], {
    ...{ env: { ...process.env, ...QUIET }, signal, stdio: ['ignore', 'pipe', 'pipe'] },
  });
  const said = keepTail(child.stderr);
  const end = new Promise<void>((resolve, reject) => {
    const fail = (why: string) => reject(new UserError(`git archive failed: ${why}`));
    child.once('error', ({ message }) => fail(message));
    child.once('close', (code, killer) =>
      code === 0 ? resolve() : fail(said().trim() || `it ended with ${killer ?? `exit code ${code}`}`),
    );
  });
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
