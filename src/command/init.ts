import { access, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { UserError } from '#recipe/user-error.ts';

/** Writes a deploy.config.ts to begin with. Never overwrites. @throws UserError when there is one already */
export const initConfig = async (directory: string): Promise<string> => {
  const file = join(directory, 'deploy.config.ts');
  const exists = await access(file).then(
    () => true,
    () => false,
  );
  if (exists) throw new UserError(`${file} exists already; nothing was written`, 2);
  const application = basename(directory).replace(/[^A-Za-z0-9._-]/g, '-') || 'app';
  await writeFile(file, template(application, await currentBranch(directory)), { flag: 'wx' });
  return `wrote ${file}\nPut your hosts into it, then: deploy production deploy:check\nOr try it on embedded hosts first: deploy sandbox`;
};

/** The branch that is checked out; `main` where there is none to be seen. */
const currentBranch = async (directory: string): Promise<string> => {
  const head = await readFile(join(directory, '.git', 'HEAD'), 'utf8').catch(() => '');
  return head.match(/^ref: refs\/heads\/(.+)\n/)?.[1] ?? 'main';
};

const template = (application: string, branch: string): string => `import { defineConfig, git, sandbox } from 'rookery';

export default defineConfig({
  application: '${application}',
  deployTo: '/var/www/${application}',
  source: git({ ref: '${branch}' }), // or dir('build'), archive('app.tar.gz')
  // build: 'npm ci && npm run build',
  // linkedFiles: ['.env'],
  // linkedDirs: ['log', 'tmp'],
  stages: {
    production: {
      ssh: { user: 'deploy' },
      hosts: ['web[01:03].example.com'],
    },
    // Hosts made up on this machine, to try things out: deploy sandbox
    sandbox: { hosts: sandbox(3) },
  },
});
`;
