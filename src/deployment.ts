import type { Artifact, ResolvedSource } from '#artifact/artifact.ts';
import { makeArtifact } from '#artifact/make-artifact.ts';
import type { Config } from '#config/config.ts';
import type { Emit } from '#protocol/events.ts';
import type { HostState } from '#recipe/host-state.ts';
import type { Remote } from '#recipe/remote.ts';
import type { Deployment, TaskContext } from '#recipe/task-context.ts';
import { UserError } from '#recipe/user-error.ts';
import { inspectHost, parseHostState, prepareHost } from '#release/inspect.ts';
import type { HeldLock } from '#release/lock.ts';
import { nextReleaseName } from '#release/release-name.ts';
import { releasePaths } from '#release/release-paths.ts';
import { sftpStrategy } from '#swarm/sftp-strategy.ts';
import type { DistributionResult } from '#swarm/strategy.ts';
import { torrentStrategy } from '#swarm/torrent-strategy.ts';

export interface DeploymentParts {
  readonly config: Config;
  readonly source: ResolvedSource | undefined;
  readonly locks: readonly HeldLock[];
  /** The hosts as they are, for what a dry run has to know. */
  readonly sessions: readonly Remote[];
  readonly dryRun: boolean;
  readonly scratch: string;
  readonly by: string;
  readonly wanted: string | undefined;
  readonly now: number;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/** What a run has made so far, for the summary. */
export interface Made {
  release?: string;
  artifact?: Artifact;
  transfer?: DistributionResult;
}

/** The stages that the tasks of a recipe call upon, joined for one run. */
export const joinDeployment = (parts: DeploymentParts, made: Made): Deployment => {
  const { config, emit, signal } = parts;
  const states = new Map<string, HostState>();
  let packing: Promise<Artifact> | undefined;
  let fresh = true;

  const pack = (): Promise<Artifact> => {
    packing ??= packNow();
    return packing;
  };
  const packNow = async (): Promise<Artifact> => {
    if (!parts.source) throw new UserError('this task needs the source: mark it with needsSource');
    made.artifact = await makeArtifact({
      ...parts,
      source: parts.source,
      build: parts.dryRun ? [] : config.build,
      hosts: parts.sessions.length,
    });
    return made.artifact;
  };

  const inspect = async (t: TaskContext, prepare: boolean): Promise<void> => {
    await t.on(t.hosts, async ({ host, run }) => {
      const look = prepare ? prepareHost(host.deployTo, config) : inspectHost(host.deployTo);
      const told = await run(look, { label: `look at ${host.deployTo}`, quiet: true, reads: !prepare });
      const { stdout } = parts.dryRun && prepare ? await lookOnly(host) : told;
      const state = parseHostState(stdout);
      states.set(host.name, parts.dryRun && !prepare ? asIfPublished(state) : state);
      if (prepare) refuseProblems(state, config.strategy);
    });
    if (!prepare || made.release !== undefined) return;
    made.release = nextReleaseName(
      parts.now,
      [...states.values()].flatMap(({ releases }) => releases.map(({ name }) => name)),
    );
    for (const lock of parts.locks) lock.protect(made.release);
  };

  /** What a dry run looks at in place of making the host ready. */
  const lookOnly = (host: Remote['host']) => {
    const session = parts.sessions.find((one) => one.host.name === host.name) as Remote;
    return session.run(inspectHost(host.deployTo, config), { quiet: true });
  };

  /** A dry run's release counts for what comes after it, as a real one would. */
  const asIfPublished = (state: HostState): HostState => {
    const { release } = made;
    if (release === undefined || state.releases.some(({ name }) => name === release)) return state;
    return { ...state, current: release, releases: [...state.releases, { name: release, state: 'published' }] };
  };

  const distribute = async (t: TaskContext): Promise<void> => {
    const artifact = await pack();
    const strategy = config.strategy === 'sftp' ? sftpStrategy : torrentStrategy;
    const targets = t.hosts.map((remote) => {
      const paths = releasePaths(remote.host.deployTo);
      return { remote, path: paths.incoming(deployment.release), cache: `${paths.own}/peer` };
    });
    if (parts.dryRun) {
      const isCached = (host: string, file: string) => states.get(host)?.programs.includes(file) ?? false;
      await strategy.rehearse({ artifact, targets, isCached });
      return;
    }
    const pieces = Math.ceil(artifact.bytes / artifact.pieceLength);
    emit({
      type: 'transfer-start',
      bytes: artifact.bytes,
      pieces,
      strategy: strategy.name,
      hosts: targets.map(({ remote }) => remote.host.name),
    });
    const result = await strategy.distribute({ artifact, targets, ...config.swarm, emit, signal });
    made.transfer = result;
    emit({ type: 'transfer-end', seconds: result.seconds, seederUploaded: result.seederUploaded });
    t.fail(result.errors);
  };

  const deployment: Deployment = {
    get release() {
      if (made.release === undefined)
        throw new UserError('the release has no name yet: run deploy:check before this task');
      return made.release;
    },
    get decided() {
      return made.release !== undefined;
    },
    get fresh() {
      return fresh;
    },
    by: parts.by,
    ...(parts.wanted === undefined ? {} : { wanted: parts.wanted }),
    state: (host) => {
      const state = states.get(host);
      if (!state) throw new UserError('the hosts were not looked at yet: run deploy:check before this task');
      return state;
    },
    inspect,
    artifact: pack,
    distribute,
    returnTo: (release) => {
      made.release = release;
      fresh = false;
    },
  };
  return deployment;
};

const refuseProblems = ({ problems, node }: HostState, strategy: Config['strategy']): void => {
  const old = node !== undefined && Number(node.match(/^v(\d+)/)?.[1] ?? 0) < OLDEST_NODE;
  const runtime =
    strategy !== 'torrent' || (node !== undefined && !old)
      ? []
      : [
          `there is ${node === undefined ? 'no Node.js' : `only Node.js ${node}`} on this host: install Node ${OLDEST_NODE} or newer, or use strategy: 'sftp'`,
        ];
  if (problems.length + runtime.length > 0) throw new UserError([...problems, ...runtime].join('\n'));
};

const OLDEST_NODE = 18;
