import { defineRecipe, type TaskContext, task, UserError } from 'rookery';

export interface GitOptions {
  /** @default 'origin' */
  readonly remote?: string;
  /** Directory of the repository on this machine. @default that of the configuration */
  readonly directory?: string;
}

export interface DeployTagOptions extends GitOptions {
  /** @default '<stage>-<release>' */
  readonly name?: (t: TaskContext) => string;
  /** Pushes the tag to the remote. @default true */
  readonly push?: boolean;
}

/** Tags the commit when it is deployed everywhere. What fails here is a warning: the release serves. Capistrano: capistrano-deploytags. */
export const deployTag = ({ remote = 'origin', directory, name = defaultName, push = true }: DeployTagOptions = {}) =>
  defineRecipe({
    name: 'git:tag',
    tasks: [
      task('git:tag', 'Tag the deployed commit', async (t) => {
        const { revision } = await t.deployment.artifact();
        const tag = name(t);
        const message = `${t.deployment.by} deployed ${revision} to ${t.settings.stage}`;
        try {
          await git(t, directory, ['tag', '--annotate', '--message', message, tag, revision]);
          if (push) await git(t, directory, ['push', '--quiet', remote, `refs/tags/${tag}`]);
          t.detail(tag);
        } catch (error) {
          t.warn(`the release serves, but its tag ${tag} was not made: ${(error as Error).message}`);
        }
      }),
    ],
    after: { 'deploy:finished': 'git:tag' },
  });

/** Refuses to deploy a commit that is on no branch of the remote, before anything is sent to a host. Mina: git:ensure_pushed. */
export const ensurePushed = ({ remote = 'origin', directory }: GitOptions = {}) =>
  defineRecipe({
    name: 'git:pushed',
    tasks: [
      task('git:ensure_pushed', 'Look whether the commit is pushed', {
        locks: false,
        run: async (t) => {
          const { revision } = await t.deployment.artifact();
          const asked = ['branch', '--remotes', '--list', `${remote}/*`, '--contains', revision];
          if ((await git(t, directory, asked, true)).trim() === '')
            throw new UserError(`commit ${revision.slice(0, 10)} is on no branch of ${remote}: push it first`);
        },
      }),
    ],
    after: { 'deploy:pack': 'git:ensure_pushed' },
  });

const defaultName = ({ settings, deployment }: TaskContext): string => `${settings.stage}-${deployment.release}`;

const git = ({ runLocally }: TaskContext, cwd: string | undefined, words: readonly string[], reads = false) =>
  runLocally(['git', ...words], { reads, ...(cwd === undefined ? {} : { cwd }) });
