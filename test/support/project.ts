/** A project of a user's, made for a test: a git repository with its deploy.config.ts, deployed by the built program. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { DeployEvent, HostSummary, Summary } from '#protocol/events.ts';
import { type CliOptions, type CliResult, type RunningCli, startCli } from './cli.ts';
import type { SshdFleet, SshdHost } from './sshd-fleet.ts';
import { makeTempDir, removeTempDir } from './temp-dir.ts';

type Content = Readonly<Record<string, string | Uint8Array>>;

export interface ProjectOptions {
  readonly fleet: SshdFleet;
  /** Hosts of the stage `production`. @default all of the fleet */
  readonly hosts?: readonly SshdHost[];
  /** @default 'shop' */
  readonly application?: string;
  /** More keys for the configuration, and other values for those it has. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** More keys for every host. */
  readonly host?: Readonly<Record<string, unknown>>;
  /** TypeScript text of the key `recipes`; `restart`, `task` and `defineRecipe` are imported. */
  readonly recipes?: string;
  /** Files of the first commit. @default a page */
  readonly files?: Content;
}

export interface Project {
  readonly dir: string;
  readonly application: string;
  readonly fleet: SshdFleet;
  readonly hosts: readonly SshdHost[];
  /** Writes deploy.config.ts anew, with other options for it. */
  configure(options: Omit<ProjectOptions, 'fleet' | 'files'>): Promise<void>;
  /** Commits files on main. Resolves to the commit's hash. */
  commit(files: Content): Promise<string>;
  /** `deploy production <words> --format json`, to its end. */
  deploy(words?: readonly string[], options?: CliOptions): Promise<Deployed>;
  /** The same, and leaves it to the caller when to wait for what. */
  start(words?: readonly string[], options?: CliOptions): RunningCli & { readonly deployed: Promise<Deployed> };
  /** Any command line in the project's directory. */
  run(args: readonly string[], options?: CliOptions): Promise<CliResult>;
  /** What runs of the program have left in the directory for temporary files. */
  leftovers(): Promise<string[]>;
  remove(): Promise<void>;
}

/** What a run with `--format json` said. */
export interface Deployed extends CliResult {
  readonly events: readonly DeployEvent[];
  /** Its last line. */
  readonly summary: Summary;
  /** The summary of one host. */
  of(host: SshdHost): HostSummary;
}

/** Makes a project whose stage `production` is the fleet. */
export const makeProject = async (options: ProjectOptions): Promise<Project> => {
  const { fleet, application = 'shop', hosts = fleet.hosts } = options;
  const dir = await makeTempDir('project');
  const temp = join(dir, '.git', 'tmp');
  const git = async (...args: string[]) => (await promisify(execFile)('git', [...IDENTITY, '-C', dir, ...args])).stdout;

  const configure: Project['configure'] = async (changed) => {
    await writeFile(join(dir, 'deploy.config.ts'), configText({ application, hosts, ...changed, fleet }));
  };
  const commit: Project['commit'] = async (files) => {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(dir, name)), { recursive: true });
      await writeFile(join(dir, name), content);
    }
    await git('add', '--', ...Object.keys(files));
    await git('commit', '--quiet', '-m', 'a change');
    return (await git('rev-parse', 'HEAD')).trim();
  };
  const startAny = (args: readonly string[], { env, ...rest }: CliOptions = {}) =>
    startCli(args, {
      cwd: dir,
      env: { HOME: dir, TMPDIR: temp, SSH_AUTH_SOCK: undefined, NO_COLOR: '1', ...env },
      ...rest,
    });
  const start: Project['start'] = (words = [], cliOptions = {}) => {
    const cli = startAny(['production', ...words, '--format', 'json'], cliOptions);
    return { ...cli, deployed: cli.result.then(readDeployed) };
  };

  await git('init', '--quiet', '--initial-branch=main');
  await mkdir(temp);
  await configure(options);
  await commit(options.files ?? { 'index.html': 'hello\n', 'bin/start': '#!/bin/sh\n' });
  return {
    ...{ dir, application, fleet, hosts, configure, commit, start },
    deploy: (words, cliOptions) => start(words, cliOptions).deployed,
    run: (args, cliOptions) => startAny(args, cliOptions).result,
    leftovers: () => readdir(temp),
    remove: () => removeTempDir(dir),
  };
};

const IDENTITY = ['-c', 'user.name=test', '-c', 'user.email=test@example.org', '-c', 'commit.gpgsign=false'];

const configText = (options: ProjectOptions): string => {
  const { fleet, application = 'shop', hosts = fleet.hosts, config, host, recipes } = options;
  const { identityFile, knownHostsFile, user } = fleet;
  const values = {
    application,
    source: { kind: 'git', ref: 'main' },
    ssh: { user, identityFile, knownHostsFile },
    stages: {
      production: {
        hosts: hosts.map(({ address, port, deployTo }) => ({
          ...{ host: address, port, deployTo: deployTo(application) },
          ...host,
        })),
      },
    },
    ...config,
  };
  return `import { defineConfig, defineRecipe, task } from 'rookery';
import { restart } from 'rookery/recipes/restart';

export default defineConfig({
  ...(${JSON.stringify(values, undefined, 2)} as any),
${recipes === undefined ? '' : `  recipes: ${recipes},\n`}});
`;
};

/** Every line of stdout has to be an event, and the last one the summary. */
const readDeployed = (result: CliResult): Deployed => {
  const lines = result.stdout.split('\n').filter((line) => line !== '');
  const events = lines.map((line) => JSON.parse(line) as DeployEvent);
  const summary = events.at(-1);
  if (summary?.type !== 'summary')
    throw new Error(`no summary, exit ${result.exitCode ?? result.signal}:\n${result.stdout}${result.stderr}`);
  return {
    ...{ ...result, events, summary },
    of: (host) => {
      const found = summary.hosts.find((entry) => entry.host === host.address);
      if (!found) throw new Error(`${host.address} is not in the summary: ${JSON.stringify(summary)}`);
      return found;
    },
  };
};
