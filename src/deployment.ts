import type { Artifact, ResolvedSource } from '#artifact/artifact.ts';
import { makeArtifact } from '#artifact/make-artifact.ts';
import type { Config } from '#config/config.ts';
import type { Emit } from '#protocol/events.ts';
import type { HostState } from '#recipe/host-state.ts';
import type { PlacedContent } from '#recipe/placed-content.ts';
import type { Deployment, TaskContext } from '#recipe/task-context.ts';
import { UserError } from '#recipe/user-error.ts';
import { inspectHost, parseHostState, prepareHost } from '#release/inspect.ts';
import type { HeldLock } from '#release/lock.ts';
import { nextReleaseName } from '#release/release-name.ts';
import { releasePaths } from '#release/release-paths.ts';
import type { DistributionResult } from '#swarm/strategy.ts';
import { joinSwarm } from './join-swarm.ts';

export interface DeploymentParts {
  readonly config: Config;
  readonly source: ResolvedSource | undefined;
  /** What goes to a path of the user's, in place of a release. */
  readonly content: PlacedContent | undefined;
  readonly locks: readonly HeldLock[];
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
      build: config.build,
      hosts: parts.locks.length,
    });
    return made.artifact;
  };

  const inspect = async (t: TaskContext, prepare: boolean): Promise<void> => {
    await t.on(t.hosts, async ({ host, run }) => {
      const look = prepare ? prepareHost(host.deployTo, config) : inspectHost(host.deployTo);
      const { stdout } = await run(look, { label: `look at ${host.deployTo}`, quiet: true });
      const state = parseHostState(stdout);
      states.set(host.name, state);
      if (prepare) refuseProblems(state, config.strategy);
    });
    if (!prepare || made.release !== undefined) return;
    made.release = nextReleaseName(
      parts.now,
      [...states.values()].flatMap(({ releases }) => releases.map(({ name }) => name)),
    );
    for (const lock of parts.locks) lock.protect(made.release);
  };

  const incoming = (deployTo: string): string =>
    releasePaths(deployTo).incoming(parts.content ? CONTENT : deployment.release);
  if (parts.content) for (const lock of parts.locks) lock.protect(CONTENT);
  const swarm = joinSwarm({
    ...{ config, emit, signal, pack, incoming, scratch: parts.scratch },
    done: (result) => {
      made.transfer = result;
    },
  });

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
    swarm,
    incoming,
    ...(parts.content ? { content: parts.content } : {}),
    returnTo: (release) => {
      made.release = release;
      fresh = false;
    },
  };
  return deployment;
};

/** In place of a release's name: one at a time comes to a host, for the lock is held. No release is ever called so. */
const CONTENT = 'rookery-content';

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
