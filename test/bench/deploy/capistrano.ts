import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRoot } from '../../support/sshd-fleet.ts';
import { findTool } from '../../support/tools.ts';
import { KEEP_RELEASES, type Tool, type Workplace } from './tool.ts';

/**
 * Capistrano with its git strategy. Debian's package cannot write a project (`cap install` misses a file), so that the
 * project is written here; nothing in it is out of the ordinary but the git wrapper's place, because the hosts share /tmp.
 */
export const capistrano = ({ dir, fleet, repository }: Workplace): Tool => {
  const application = 'bench-cap';
  const project = join(dir, application);
  const log = join(project, 'log/capistrano.log');
  return {
    name: 'capistrano git',
    application,
    missing: () => {
      if (!findTool('cap')) return 'this machine has no cap (Debian: apt-get install capistrano)';
      return isRoot() ? undefined : 'it takes one path for all hosts, which are apart for root only';
    },
    prepare: async () => {
      await mkdir(join(project, 'config/deploy'), { recursive: true });
      await writeFile(join(project, 'Capfile'), CAPFILE);
      await writeFile(
        join(project, 'config/deploy.rb'),
        deployRb(application, fleet.hosts[0]!.deployTo(application), repository),
      );
      await writeFile(join(project, 'config/deploy/production.rb'), productionRb(fleet));
    },
    command: () => ({ argv: ['cap', 'production', 'deploy'], cwd: project }),
    commandsPerHost: async () => {
      const text = await readFile(log, 'utf8');
      await truncate(log);
      return text.split('\n').filter((line) => / Running .* (on|as .*@)/.test(line)).length / fleet.hosts.length;
    },
  };
};

const CAPFILE = `require 'capistrano/setup'
require 'capistrano/deploy'
require 'capistrano/scm/git'
install_plugin Capistrano::SCM::Git
`;

const deployRb = (
  application: string,
  deployTo: string,
  repository: string,
): string => `set :application, '${application}'
set :repo_url, 'file://${repository}'
set :branch, 'main'
set :deploy_to, '${deployTo}'
set :keep_releases, ${KEEP_RELEASES}
set :git_wrapper_path, '/var/www/git-ssh-${application}.sh'
append :linked_dirs, 'log', 'tmp'
`;

const productionRb = ({ hosts, user, identityFile, knownHostsFile }: Workplace['fleet']): string => `
${hosts.map(({ address, port }) => `server '${address}', user: '${user}', port: ${port}, roles: %w{app}`).join('\n')}
set :ssh_options, keys: %w{${identityFile}}, keys_only: true, forward_agent: false, auth_methods: %w{publickey},
  user_known_hosts_file: '${knownHostsFile}', verify_host_key: :always, config: false
`;
