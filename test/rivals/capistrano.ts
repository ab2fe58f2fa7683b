import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeCapistranoProject } from '../support/capistrano.ts';
import { makeProject } from '../support/project.ts';
import type { Rival, RivalOptions, RivalProject, RunningRival } from './rival.ts';

/** Debian's Capistrano with its git strategy, as it comes; only what it would leave in /tmp lies beside the applications, since the hosts share /tmp. */
export const capistrano = async ({
  fleet,
  application,
  keepReleases = 5,
  linkedDirs = [],
}: RivalProject): Promise<Rival> => {
  const { dir, commit, remove } = await makeProject({ fleet, application });
  const project = join(dir, '.git/capistrano');
  const tasks = fileURLToPath(new URL('defects.rake', import.meta.url));
  await writeCapistranoProject({
    ...{ dir: project, application, repository: dir, fleet, keepReleases, linkedDirs, tasks, config: CONFIG },
  });
  const log = join(project, 'log/capistrano.log');
  const start: Rival['start'] = (words, options = {}) => startCap(project, words, environment(options), options);
  return {
    ...{ tool: 'capistrano', application, dir, hosts: fleet.hosts, fleet, commit, remove, start },
    run: async (words = ['deploy'], options = {}) => {
      if (options.failAt === 'push') await pushInBetween({ fleet, dir });
      return start(words, options).result;
    },
    commands: async () => {
      const text = await readFile(log, 'utf8');
      await truncate(log);
      return [...text.matchAll(/ Command: (.*)/g)].map(([, command = '']) => command);
    },
  };
};

const CONFIG = `
set :tmp_dir, '/var/www/tmp'
set :git_wrapper_path, -> { "#{fetch(:tmp_dir)}/git-ssh-#{SecureRandom.hex(10)}.sh" }
set :branch, ENV['BRANCH'] || 'main'
set :linked_files, [ENV['LINKED_FILE']].compact
set :format_options, color: false, truncate: false
`;

const environment = ({ failAt, branch, user = 'bob', linkedFile, env }: RivalOptions): Record<string, string> => ({
  ...{ USER: user, ...env },
  ...(failAt === undefined ? {} : { FAIL_AT: failAt }),
  ...(branch === undefined ? {} : { BRANCH: branch }),
  ...(linkedFile === undefined ? {} : { LINKED_FILE: linkedFile }),
});

const startCap = (
  cwd: string,
  words: readonly string[],
  env: Record<string, string>,
  { timeout = 60 }: RivalOptions,
): RunningRival => {
  const options = { cwd, env: { ...process.env, ...env }, timeout: timeout * 1000, killSignal: 'SIGKILL' } as const;
  const child = spawn('cap', ['production', ...words], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const watchers = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const look of watchers) look();
    });
  }
  const result = new Promise<{ exitCode: number | null; output: string }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, output }));
  });
  const seen = (text: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => void (text.test(output) && resolve());
      watchers.add(look);
      look();
      result.then(() => reject(new Error(`${text} did not show up:\n${output}`)), reject);
    });
  return { seen, interrupt: () => void child.kill('SIGINT'), result };
};

/** The last host's git takes longer than that of the others, and a commit comes in between. */
const pushInBetween = async ({ fleet, dir }: Pick<Rival, 'fleet' | 'dir'>): Promise<void> => {
  const updated = await mkdtemp(join(dir, '.git/updated-'));
  const others = fleet.hosts.length - 1;
  const push = `cd '${dir}' && echo new > index.html && git -c user.name=x -c user.email=x@y commit --quiet --all -m push`;
  for (const [index, host] of fleet.hosts.entries()) {
    const wait = `until [ $(ls '${updated}' | wc -l) = ${others} ]; do sleep 0.02; done; (${push}); /usr/bin/git "$@"`;
    const update = index === others ? wait : `/usr/bin/git "$@" && touch '${updated}/${host.name}'`;
    const text = `#!/bin/sh\nif [ "$1 $2" = 'remote update' ]; then ${update}; else exec /usr/bin/git "$@"; fi\n`;
    await mkdir(join(host.files, 'bin'), { recursive: true });
    await writeFile(join(host.files, 'bin/git'), text, { mode: 0o755 });
  }
};
