/** A project as a user has it: a git repository with a deploy.config.ts for a fleet, and the program run in it. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { DeployEvent, Summary } from '#protocol/events.ts';
import { type CliOptions, type CliResult, type RunningCli, runCli, type SignalOrder, startCli } from './cli.ts';
import type { SshdFleet } from './sshd-fleet.ts';
import { makeTempDir, removeTempDir } from './temp-dir.ts';

export interface ProjectOptions {
  /** Name of the application; unlike every other project's on the same fleet. @default 'shop' */
  readonly application?: string;
  /** Real hosts, or the number of embedded ones. */
  readonly fleet: SshdFleet | number;
  /** Files of the first commit. @default a file, a program and a link */
  readonly files?: Files;
  readonly config?: ConfigOptions;
}

/** Content of files by path; `{ link }` is a symbolic link, `{ text, mode }` a file with permissions. */
export type Files = Readonly<Record<string, string | Uint8Array | FileOptions | { readonly link: string }>>;

interface FileOptions {
  readonly text: string | Uint8Array;
  readonly mode: number;
}

export interface ConfigOptions {
  /** TypeScript for `source`. @default `git({ ref: 'main' })` */
  readonly source?: string;
  /** TypeScript for `recipes`. @default none */
  readonly recipes?: string;
  /** TypeScript before the configuration, with imports of its own. */
  readonly preamble?: string;
  /** More keys of the configuration. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** More keys for a host, or other values; its place in the fleet starts at 0. Real hosts only. */
  readonly host?: (index: number) => Readonly<Record<string, unknown>>;
}

export interface Project {
  readonly application: string;
  /** Where the configuration and the repository are. */
  readonly dir: string;
  /** TMPDIR of the program: it must be empty when the program has ended. */
  readonly tmp: string;
  /** Every host's `deployTo`, as this process sees it, in the order of the fleet. */
  readonly disks: readonly string[];
  /** Writes deploy.config.ts anew. */
  configure(options?: ConfigOptions): Promise<void>;
  write(files: Files): Promise<void>;
  /** Commits everything but the configuration, and returns the commit. */
  commit(message?: string): Promise<string>;
  git(...args: string[]): Promise<string>;
  /** Runs the program in the project to its end: `deploy('deploy:check', '--format', 'json')` has the stage in front. */
  deploy(...words: string[]): Promise<CliResult>;
  /** The same with `--format json`, read: `events` are all the lines, `summary` is the last of them. */
  events(...words: string[]): Promise<JsonRun>;
  /** Runs any words, with other surroundings. */
  run(
    words: readonly string[],
    options?: CliOptions & { readonly signalWhen?: SignalOrder | readonly SignalOrder[] },
  ): Promise<CliResult>;
  start(words: readonly string[], options?: CliOptions): RunningCli;
  close(): Promise<void>;
}

export interface JsonRun extends CliResult {
  readonly events: readonly DeployEvent[];
  readonly summary: Summary;
}

/** The one stage of the project. */
export const STAGE = 'production';

/** Makes the project in a directory of its own, with one commit on the branch main. */
export const makeProject = async ({
  application = 'shop',
  fleet,
  files = SAMPLE,
  config,
}: ProjectOptions): Promise<Project> => {
  const base = await makeTempDir('project');
  const dir = join(base, 'project');
  const tmp = join(base, 'tmp');
  const home = join(base, 'home');
  await Promise.all([dir, tmp, home].map((path) => mkdir(path)));
  const env = { HOME: home, TMPDIR: tmp, USER: 'alice', SSH_AUTH_SOCK: undefined, ...GIT_ENV };
  const git = async (...args: string[]) =>
    (await promisify(execFile)('git', ['-C', dir, ...args], { env: { ...process.env, ...env } })).stdout.trim();
  const around = <T extends CliOptions>(options: T) => ({ cwd: dir, ...options, env: { ...env, ...options.env } });

  const project: Project = {
    ...{ application, dir, tmp, git },
    disks: typeof fleet === 'number' ? embeddedDisks(dir, fleet, application) : realDisks(fleet, application),
    configure: (options = {}) => writeFile(join(dir, 'deploy.config.ts'), configText(application, fleet, options)),
    write: (changed) => writeFiles(dir, changed),
    commit: async (message = 'a change') => {
      await git('add', '--all');
      await git('commit', '--quiet', '--allow-empty', '--message', message);
      return git('rev-parse', 'HEAD');
    },
    deploy: (...words) => runCli([STAGE, ...words], around({})),
    events: async (...words) => readEvents(await runCli([STAGE, ...words, '--format', 'json'], around({}))),
    run: (words, options = {}) => runCli(words, around(options)),
    start: (words, options = {}) => startCli(words, around(options)),
    close: () => removeTempDir(base),
  };
  await project.configure(config);
  await git('init', '--quiet', '--initial-branch=main');
  await writeFile(join(dir, '.git/info/exclude'), '/deploy.config.ts\n/.rookery\n');
  await writeFiles(dir, files);
  await project.commit('first');
  return project;
};

/** The events of a run with `--format json`. @throws where a line is no event, or the last one no summary */
export const readEvents = (result: CliResult): JsonRun => {
  const events = result.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as DeployEvent);
  const summary = events.at(-1);
  if (summary?.type !== 'summary') throw new Error(`no summary at the end of:\n${result.stdout}${result.stderr}`);
  return { ...result, events, summary };
};

/** Name of the release that `current` points to on a disk; undefined without one. */
export const currentOf = async (disk: string): Promise<string | undefined> => {
  const target = await readlink(join(disk, 'current')).catch(() => undefined);
  return target?.split('/').pop();
};

/** Names of the releases on a disk, sorted. */
export const releasesOf = async (disk: string): Promise<string[]> =>
  (await readdir(join(disk, 'releases')).catch(() => [])).sort();

/** What a run must never leave in our own directory on a host: a lock, an artifact on its way, half-made links. Sorted. */
export const leftovers = async (disk: string): Promise<string[]> => {
  const own = join(disk, '.rookery');
  const names = await readdir(own).catch(() => []);
  const incoming = await readdir(join(own, 'incoming')).catch(() => []);
  return [
    ...names.filter((name) => !['incoming', 'peer', 'releases'].includes(name)),
    ...incoming.map((name) => `incoming/${name}`),
  ].sort();
};

/** Writes files, links and their directories below a directory. */
export const writeFiles = async (dir: string, files: Files): Promise<void> => {
  for (const [path, content] of Object.entries(files)) {
    const file = join(dir, path);
    await mkdir(dirname(file), { recursive: true });
    await rm(file, { force: true });
    if (typeof content === 'object' && 'link' in content) {
      await symlink(content.link, file);
      continue;
    }
    const { text, mode } = typeof content === 'object' && 'text' in content ? content : { text: content, mode: 0o644 };
    await writeFile(file, text);
    await chmod(file, mode);
  }
};

const SAMPLE: Files = {
  'index.html': '<h1>shop</h1>\n',
  'bin/start': { text: '#!/bin/sh\necho started\n', mode: 0o755 },
  'public/latest': { link: '../index.html' },
};

/** git without the user's own configuration, and with a name for commits. */
const GIT_ENV = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'alice',
  GIT_AUTHOR_EMAIL: 'alice@localhost',
  GIT_COMMITTER_NAME: 'alice',
  GIT_COMMITTER_EMAIL: 'alice@localhost',
};

const realDisks = ({ hosts }: SshdFleet, application: string): string[] =>
  hosts.map((host) => join(host.files, application));

const embeddedDisks = (dir: string, count: number, application: string): string[] =>
  Array.from({ length: count }, (_, index) => {
    const name = `sandbox${String(index + 1).padStart(2, '0')}`;
    return join(dir, '.rookery/sandbox', STAGE, name, 'var/www', application);
  });

const configText = (application: string, fleet: SshdFleet | number, options: ConfigOptions): string => {
  const { source = "git({ ref: 'main' })", recipes = '[]', preamble = '', settings = {}, host } = options;
  const hosts =
    typeof fleet === 'number' ? `sandbox(${fleet})` : JSON.stringify(writtenHosts(fleet, application, host));
  const ssh = typeof fleet === 'number' ? {} : { ssh: sshOf(fleet) };
  return `import { archive, defineConfig, defineRecipe, dir, git, sandbox, sh, task } from 'rookery';
${preamble}
export default defineConfig({
  application: '${application}',
  source: ${source},
  recipes: ${recipes},
  ...${JSON.stringify({ ...ssh, ...settings })},
  stages: { ${STAGE}: { hosts: ${hosts} } },
});
`;
};

const sshOf = ({ user, identityFile, knownHostsFile }: SshdFleet) => ({ user, identityFile, knownHostsFile });

const writtenHosts = (fleet: SshdFleet, application: string, more: ConfigOptions['host']) =>
  fleet.hosts.map((entry, index) => ({
    ...{ host: entry.address, port: entry.port, deployTo: entry.deployTo(application) },
    ...more?.(index),
  }));
