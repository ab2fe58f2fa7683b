/** A project of a user's, made for a test: a git repository with its deploy.config.ts, deployed by the built program. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { loadWrittenConfig } from '#config/load-config.ts';
import type { DeployEvent, HostSummary, Summary } from '#protocol/events.ts';
import { type CliOptions, type CliResult, type RunningCli, startCli } from './cli.ts';
import { type Content, writeContent } from './content.ts';
import type { SshdFleet, SshdHost } from './sshd-fleet.ts';
import { makeTempDir, removeTempDir } from './temp-dir.ts';

/** What stands in deploy.config.ts. */
export interface ConfigOptions {
  /** @default 'shop' */
  readonly application?: string;
  /** More keys for the configuration, and other values for those it has. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** More keys for every host; or for each of them, by its place in the fleet, from 0. */
  readonly host?: Readonly<Record<string, unknown>> | ((index: number) => Readonly<Record<string, unknown>>);
  /** TypeScript text of the key `recipes`; `restart` and what recipes need of 'rookery' is imported. */
  readonly recipes?: string;
  /** More lines for the head of the file. */
  readonly imports?: string;
  /** TypeScript text of the key `source`. @default git({ ref: 'main' }) */
  readonly source?: string;
}

export interface ProjectOptions extends ConfigOptions {
  readonly fleet: SshdFleet;
  /** Hosts of the stage `production`. @default all of the fleet */
  readonly hosts?: readonly SshdHost[];
  /** Files of the first commit. @default a page */
  readonly files?: Content;
}

/** A host whose disk can be looked at. */
export type DiskHost = Pick<SshdHost, 'name' | 'address' | 'files' | 'deployTo'>;

export interface Project<H extends DiskHost = SshdHost> {
  readonly dir: string;
  readonly application: string;
  readonly hosts: readonly H[];
  /** Writes deploy.config.ts anew, with other options for it. */
  configure(options: ConfigOptions & { readonly hosts?: readonly H[] }): Promise<void>;
  /** Commits files on main. Resolves to the commit's hash. */
  commit(files: Content): Promise<string>;
  /** Runs git in the project, and resolves to what it printed. */
  git(...args: string[]): Promise<string>;
  /** `deploy production <words> --format json`, to its end. */
  deploy(words?: readonly string[], options?: CliOptions): Promise<Deployed>;
  /** The same, and leaves it to the caller when to wait for what. */
  start(words?: readonly string[], options?: CliOptions): RunningCli & { readonly deployed: Promise<Deployed> };
  /** Any command line in the project's directory. */
  run(args: readonly string[], options?: CliOptions): Promise<CliResult>;
  /** What runs of the program have left in the directory for temporary files. */
  leftovers(): Promise<string[]>;
  /** Ends runs that still go on, and removes the directory. */
  remove(): Promise<void>;
}

/** What a run with `--format json` said. */
export interface Deployed extends CliResult {
  readonly events: readonly DeployEvent[];
  /** Its last line. */
  readonly summary: Summary;
  /** The summary of one host. */
  of(host: DiskHost): HostSummary;
}

/** Makes a project whose stage `production` is the fleet. */
export const makeProject = async (options: ProjectOptions): Promise<Project & { readonly fleet: SshdFleet }> => {
  const { fleet, hosts = fleet.hosts } = options;
  const { identityFile, knownHostsFile, user } = fleet;
  const common = { ssh: { user, identityFile, knownHostsFile } };
  const project = await makeIn(
    await makeTempDir('project'),
    hosts,
    options,
    (chosen, { application = 'shop', host }) => ({
      ...common,
      stages: {
        production: {
          hosts: chosen.map(({ address, port, deployTo }, index) => ({
            ...{ host: address, port, deployTo: deployTo(application) },
            ...(typeof host === 'function' ? host(index) : host),
          })),
        },
      },
    }),
  );
  return { ...project, fleet };
};

/** Makes a project whose stage `production` is a fleet of embedded hosts. */
export const makeEmbeddedProject = async (
  options: ConfigOptions & { readonly count: number; readonly files?: Content },
): Promise<Project<DiskHost>> => {
  const dir = await makeTempDir('project');
  const hosts = Array.from({ length: options.count }, (_, index): DiskHost => {
    const name = `sandbox${String(index + 1).padStart(2, '0')}`;
    const files = join(dir, '.rookery/sandbox/production', name, 'var/www');
    return { name, address: name, files, deployTo: (application) => join(files, application) };
  });
  return makeIn(dir, hosts, options, () => ({
    stages: { production: { hosts: { kind: 'sandbox', count: options.count } } },
  }));
};

const makeIn = async <H extends DiskHost>(
  dir: string,
  hosts: readonly H[],
  options: ConfigOptions & { readonly files?: Content },
  stages: (hosts: readonly H[], options: ConfigOptions) => Readonly<Record<string, unknown>>,
): Promise<Project<H>> => {
  const { application = 'shop' } = options;
  const temp = join(dir, '.git', 'tmp');
  const cache = join(dir, '.git/cache/rookery');
  const git: Project['git'] = async (...args) =>
    (await promisify(execFile)('git', [...IDENTITY, '-C', dir, ...args], { env: { ...process.env, ...ENV } })).stdout;

  const configure: Project<H>['configure'] = async ({ hosts: chosen = hosts, ...changed }) => {
    const text = configText({ application, ...changed }, stages(chosen, { application, ...changed }));
    await writeFile(join(dir, 'deploy.config.ts'), text);
    await loadWrittenConfig({ from: dir, cache }).catch(() => {}); // compiled here, by a compiler that has been loaded already
  };
  const commit: Project['commit'] = async (files) => {
    await writeContent(dir, files);
    if (Object.keys(files).length > 0) await git('--literal-pathspecs', 'add', '--', ...Object.keys(files));
    await git('commit', '--quiet', '--allow-empty', '-m', 'a change');
    return (await git('rev-parse', 'HEAD')).trim();
  };
  const running = new Set<RunningCli>();
  const startAny = (args: readonly string[], { env, ...rest }: CliOptions = {}) => {
    const cli = startCli(args, {
      cwd: dir,
      env: {
        HOME: dir,
        XDG_CACHE_HOME: dirname(cache),
        TMPDIR: temp,
        SSH_AUTH_SOCK: undefined,
        NO_COLOR: '1',
        ...ENV,
        ...env,
      },
      ...rest,
    });
    running.add(cli);
    const ended = () => void running.delete(cli);
    cli.result.then(ended, ended);
    return cli;
  };
  /** A test that failed may have left a run behind: it must not fail the tests after it. */
  const remove = async () => {
    for (const cli of running) cli.signal('SIGINT');
    await Promise.allSettled([...running].map(({ result }) => result));
    await removeTempDir(dir);
  };
  const start: Project['start'] = (words = [], cliOptions = {}) => {
    const cli = startAny(['production', '--format', 'json', ...words], cliOptions);
    const deployed = cli.result.then(readDeployed);
    deployed.catch(() => {}); // a run that a test kills has no summary, and nobody asks for it
    return { ...cli, deployed };
  };

  await git('init', '--quiet', '--initial-branch=main');
  await mkdir(temp);
  await configure(options as ConfigOptions & { readonly hosts?: readonly H[] });
  await commit(options.files ?? { 'index.html': 'hello\n', 'bin/start': '#!/bin/sh\n' });
  return {
    ...{ dir, application, hosts, configure, commit, git, start },
    deploy: (words, cliOptions) => start(words, cliOptions).deployed,
    run: (args, cliOptions) => startAny(args, cliOptions).result,
    leftovers: () => readdir(temp),
    remove,
  };
};

/** Also: noise is not compressed, which only takes time. */
const IDENTITY = [
  ...['-c', 'user.name=test', '-c', 'user.email=test@example.org'],
  ...['-c', 'commit.gpgsign=false', '-c', 'core.compression=0'],
];

/** Nothing of the configuration of whoever runs the tests. */
const ENV = { GIT_CONFIG_GLOBAL: '/dev/null' };

const configText = (
  { application, config, recipes, imports = '', source = "git({ ref: 'main' })" }: ConfigOptions,
  stages: Readonly<Record<string, unknown>>,
): string => `import { archive, cmd, defineConfig, defineRecipe, dir, git, setting, sh, task, UserError } from 'rookery';
import { restart } from 'rookery/recipes/restart';
${imports}
export default defineConfig({
  source: ${source},
  ...(${JSON.stringify(overTransport({ application, ...stages, ...config }), undefined, 2)} as any),
${recipes === undefined ? '' : `  recipes: ${recipes},\n`}});
`;

/** `ROOKERY_TEST_TRANSPORT=openssh` runs the same tests over the other transport. */
const overTransport = (config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  const transport = process.env.ROOKERY_TEST_TRANSPORT;
  return transport === undefined ? config : { ...config, ssh: { transport, ...(config.ssh as object) } };
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
