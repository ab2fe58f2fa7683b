import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findTool } from '../../support/tools.ts';
import { KEEP_RELEASES, type Tool, type Workplace } from './tool.ts';

/** The built program, with one of its strategies. */
export const rookery = (strategy: 'torrent' | 'sftp', { dir, root, fleet, repository, label }: Workplace): Tool => {
  const application = `${strategy}-${label}`;
  const project = join(dir, application);
  return {
    name: `rookery ${strategy}`,
    application,
    missing: () => (findTool('git') ? undefined : 'this machine has no git'),
    prepare: async () => {
      await mkdir(project);
      const hosts = fleet.hosts.map(({ name, address, port, deployTo }) => ({
        ...{ host: address, port, deployTo: deployTo(application), roles: ['app'] },
        ...(name === fleet.hosts[0]!.name ? { primary: true } : {}),
      }));
      const { user, identityFile, knownHostsFile } = fleet;
      const config = {
        ...{ application, strategy, keepReleases: KEEP_RELEASES, linkedDirs: ['log', 'tmp'] },
        ssh: { user, identityFile, knownHostsFile },
        stages: { production: { hosts } },
      };
      const source = `git({ repository: ${JSON.stringify(repository)}, ref: 'main' })`;
      await writeFile(
        join(project, 'deploy.config.ts'),
        `import { defineConfig, git } from 'rookery';\n\nexport default defineConfig({ source: ${source}, ...${JSON.stringify(config, null, 2)} });\n`,
      );
    },
    command: () => ({
      argv: [process.execPath, join(root, 'dist/cli.js'), 'production', '--format', 'json'],
      cwd: project,
    }),
    commandsPerHost: async (stdout) =>
      stdout.split('\n').filter((line) => line.startsWith('{"type":"command-start"')).length / fleet.hosts.length,
  };
};
