import { readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { writeCapistranoProject } from '../../support/capistrano.ts';
import { isRoot } from '../../support/sshd-fleet.ts';
import { findTool } from '../../support/tools.ts';
import { KEEP_RELEASES, type Tool, type Workplace } from './tool.ts';

/** Capistrano with its git strategy, which every host follows by itself. */
export const capistrano = ({ dir, fleet, repository, label }: Workplace): Tool => {
  const application = `cap-${label}`;
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
      const linkedDirs = ['log', 'tmp'];
      await writeCapistranoProject({
        ...{ dir: project, application, repository, fleet, linkedDirs, keepReleases: KEEP_RELEASES },
      });
    },
    command: () => ({ argv: ['cap', 'production', 'deploy'], cwd: project }),
    commandsPerHost: async () => {
      const text = await readFile(log, 'utf8');
      await truncate(log);
      return text.split('\n').filter((line) => / Running .* (on|as .*@)/.test(line)).length / fleet.hosts.length;
    },
  };
};
