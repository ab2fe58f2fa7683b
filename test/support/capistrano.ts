import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SshdFleet } from './sshd-fleet.ts';

export interface CapistranoProject {
  /** Directory for its files, made here. */
  readonly dir: string;
  readonly application: string;
  /** Path of a git repository that the hosts can read; `main` is deployed. */
  readonly repository: string;
  readonly fleet: Pick<SshdFleet, 'hosts' | 'user' | 'identityFile' | 'knownHostsFile'>;
  readonly linkedDirs: readonly string[];
  readonly keepReleases: number;
  /** A file with more tasks. */
  readonly tasks?: string;
  /** More lines for the configuration. */
  readonly config?: string;
}

/**
 * Writes a project for Capistrano with its git strategy. Debian's package cannot (`cap install` misses a file). Nothing
 * in it is out of the ordinary but the git wrapper's place, because the hosts share /tmp.
 */
export const writeCapistranoProject = async (project: CapistranoProject): Promise<void> => {
  const { dir } = project;
  await mkdir(join(dir, 'config/deploy'), { recursive: true });
  const tasks = project.tasks === undefined ? '' : `import '${project.tasks}'\n`;
  await writeFile(join(dir, 'Capfile'), `${CAPFILE}${tasks}`);
  await writeFile(join(dir, 'config/deploy.rb'), `${deployRb(project)}${project.config ?? ''}`);
  await writeFile(join(dir, 'config/deploy/production.rb'), productionRb(project.fleet));
};

/** `cap production <words>` by bob, to its end. @throws unless it ends with 0 */
export const cap = async (dir: string, ...words: string[]): Promise<string> => {
  const options = { cwd: dir, env: { ...process.env, USER: 'bob' }, timeout: 110_000 };
  return (await promisify(execFile)('cap', ['production', ...words], options)).stdout;
};

const CAPFILE = `require 'capistrano/setup'
require 'capistrano/deploy'
require 'capistrano/scm/git'
install_plugin Capistrano::SCM::Git
`;

const deployRb = ({
  application,
  fleet,
  repository,
  linkedDirs,
  keepReleases,
}: CapistranoProject): string => `set :application, '${application}'
set :repo_url, 'file://${repository}'
set :branch, 'main'
set :deploy_to, '${fleet.hosts[0]!.deployTo(application)}'
set :keep_releases, ${keepReleases}
set :git_wrapper_path, '/var/www/git-ssh-${application}.sh'
set :linked_dirs, %w{${linkedDirs.join(' ')}}
`;

const productionRb = ({ hosts, user, identityFile, knownHostsFile }: CapistranoProject['fleet']): string => `
${hosts.map(({ address, port }) => `server '${address}', user: '${user}', port: ${port}, roles: %w{app}`).join('\n')}
set :ssh_options, keys: %w{${identityFile}}, keys_only: true, forward_agent: false, auth_methods: %w{publickey},
  user_known_hosts_file: '${knownHostsFile}', verify_host_key: :always, config: false
`;
