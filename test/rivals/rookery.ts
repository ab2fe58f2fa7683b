import { fileURLToPath } from 'node:url';
import type { DeployEvent } from '#protocol/events.ts';
import { makeProject } from '../support/project.ts';
import type { Rival, RivalOptions, RivalProject } from './rival.ts';

const recipes = `[(await import('${fileURLToPath(new URL('../conformance/recipes/defects.ts', import.meta.url))}')).default]`;

/** Rookery as it is built. */
export const rookery = async ({
  fleet,
  application,
  keepReleases = 5,
  linkedDirs = [],
}: RivalProject): Promise<Rival> => {
  const config = { strategy: 'sftp', keepReleases, linkedDirs };
  const project = await makeProject({ fleet, application, recipes, config });
  const { dir, commit, remove } = project;
  const start: Rival['start'] = (words, options = {}) => {
    const { env, user = 'bob', timeout = 60 } = options;
    const cli = project.start([...words, ...wordsOf(options)], {
      env: { USER: user, ...env },
      timeout: timeout * 1000,
    });
    const result = cli.result.then(({ exitCode, stdout, stderr }) => ({ exitCode, output: `${stdout}${stderr}` }));
    return { seen: cli.seen, interrupt: () => cli.signal('SIGINT'), result };
  };
  return {
    ...{ tool: 'rookery', application, dir, hosts: fleet.hosts, fleet, commit, remove, start },
    run: (words = ['deploy'], options = {}) => start(words, options).result,
    commands: async ({ output }) =>
      output.split('\n').flatMap((line) => {
        const event = line.startsWith('{') ? (JSON.parse(line) as DeployEvent) : undefined;
        return event?.type === 'command-start' || event?.type === 'command-planned' ? [event.text] : [];
      }),
  };
};

const wordsOf = ({ failAt, branch, linkedFile }: RivalOptions): string[] => [
  ...(failAt === undefined ? [] : ['--set', `defects.failAt=${failAt}`]),
  ...(branch === undefined ? [] : ['--branch', branch]),
  ...(linkedFile === undefined ? [] : ['--set', `linkedFiles=["${linkedFile}"]`]),
];
