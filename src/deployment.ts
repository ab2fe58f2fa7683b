import type { Artifact, ResolvedSource } from '#artifact/artifact.ts';
import type { Config } from '#config/config.ts';
import type { Source } from '#config/written-config.ts';
import type { Emit } from '#protocol/events.ts';
import type { PlacedContent } from '#recipe/placed-content.ts';
import type { Remote } from '#recipe/remote.ts';
import type { Deployment, TaskContext } from '#recipe/task-context.ts';
import { UserError } from '#recipe/user-error.ts';
import type { LockOwner } from '#release/found-lock.ts';
import { type HeldLock, setLock } from '#release/lock.ts';
import { type Locking, lockFleet, unlockFleet } from '#release/lock-fleet.ts';
import { leaveLock } from '#release/lock-programs.ts';
import { nextReleaseName } from '#release/release-name.ts';
import { releasePaths } from '#release/release-paths.ts';
import { groupByRevision } from '#release/served.ts';
import { findUnfinished, type Unfinished } from '#release/unfinished.ts';
import type { LastingSession } from '#ssh/lasting-session.ts';
import type { DistributionResult } from '#swarm/strategy.ts';
import { createHostStates } from './host-states.ts';
import { joinRuntimes } from './join-runtimes.ts';
import { joinSwarm } from './join-swarm.ts';
import type { Packing } from './packing.ts';
import { comparePending } from './pending.ts';
import { letReturn } from './returning.ts';

export interface DeploymentParts {
  readonly config: Config;
  /** The source, where it was needed and could be looked up before the hosts. */
  readonly source: ResolvedSource | undefined;
  readonly packing: Packing;
  /** Looks up a source that depends on what the hosts serve. */
  readonly resolve: (source: Source) => Promise<ResolvedSource>;
  /** Finishes the last run on the hosts where it did not, in place of making a new release. */
  readonly onlyFailed: boolean;
  /** What goes to a path of the user's, in place of a release. */
  readonly content: PlacedContent | undefined;
  readonly locks: readonly HeldLock[];
  /** The hosts as they are, for what a dry run has to know. */
  readonly sessions: readonly LastingSession[];
  readonly dryRun: boolean;
  readonly locking: Locking;
  /** Hosts of the run that could not be connected to. */
  readonly unreachable: readonly string[];
  /** Whose the locks are. */
  readonly owner: LockOwner;
  /** Why deploy:lock locks the hosts. */
  readonly message: string;
  readonly scratch: string;
  /** Where this user's programs keep what they can make again. */
  readonly cache: string;
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
  const runtimes = joinRuntimes({
    ...parts,
    state: (host) => states.find(host),
    look: (t, hosts) => states.look(t, hosts, false),
  });
  const states = createHostStates({ ...parts, runtimeProblem: runtimes.problem });
  const settle = letReturn(parts, states.find, () => made.release);
  let { source } = parts;
  let receivers = parts.sessions.length;
  let fresh = true;

  const pack = async (): Promise<Artifact> => {
    made.artifact = await parts.packing.artifact(theSource(), receivers);
    return made.artifact;
  };
  const theSource = (): ResolvedSource => {
    if (!source) throw new UserError('this task needs the source: mark it with needsSource');
    return source;
  };

  const decide = (release: string, locks: readonly HeldLock[]): void => {
    made.release = release;
    for (const lock of locks) lock.protect(release);
  };
  const inspect = async (t: TaskContext, prepare: boolean): Promise<void> => {
    if (prepare && parts.onlyFailed && !deployment.decided) return finishLast(t);
    if (prepare && source) parts.packing.begin(source, receivers); // while the hosts answer; deploy:pack tells what is wrong
    await states.look(t, t.hosts, prepare);
    if (prepare) await runtimes.prepare(t.hosts);
    if (prepare && !deployment.decided) decide(nextReleaseName(parts.now, states.releaseNames()), parts.locks);
  };

  /** Goes on with the hosts that do not serve what the last run has published: the same revision, under the same name. */
  const finishLast = async (t: TaskContext): Promise<void> => {
    await states.look(t, t.hosts, false);
    const last = findUnfinished(states.named(t.hosts));
    if ('refused' in last) throw new UserError(last.refused);
    const rest = t.hosts.filter(({ host }) => last.hosts.includes(host.name));
    receivers = rest.length;
    if (rest.length > 0) await lookUpAgain(last);
    t.only(rest, 'end');
    t.detail(`${last.release} on ${rest.length} of ${t.hosts.length} hosts`);
    const done = `every host serves ${last.release} already: there is nothing to finish`;
    if (rest.length === 0) emit({ type: 'notice', level: 'info', message: done });
    else {
      await states.look(t, rest, true);
      await runtimes.prepare(rest);
    }
    const locks = parts.locks.filter(({ host }) => last.hosts.includes(host)); // elsewhere it serves: nobody removes it there
    decide(last.release, locks);
  };
  const lookUpAgain = async ({ release, revision }: Unfinished): Promise<void> => {
    const { source: written } = config;
    source = await parts.resolve(written.kind === 'git' ? { ...written, ref: revision } : written);
    const now = source.revision ?? (await pack()).revision;
    if (now === revision) return;
    const words = `the source has changed since ${release}: it is ${now} now, and was ${revision}`;
    throw new UserError(`${words}; deploy without --only-failed`);
  };

  const pending = async (t: TaskContext): Promise<void> => {
    await states.look(t, t.hosts, false);
    for (const served of groupByRevision(states.named(t.hosts)))
      emit({ type: 'pending', ...(await comparePending(served, theSource(), pack)) });
  };

  const incoming = (deployTo: string): string =>
    releasePaths(deployTo).incoming(parts.content ? CONTENT : deployment.release);
  if (parts.content) for (const lock of parts.locks) lock.protect(CONTENT);
  const swarm = joinSwarm({
    ...{ config, emit, signal, pack, incoming, scratch: parts.scratch, dryRun: parts.dryRun },
    runtimes,
    state: states.find,
    done: (result) => {
      made.transfer = result;
    },
  });

  const lock = async (t: TaskContext): Promise<void> => {
    const { owner, message, locking, unreachable } = parts;
    if (unreachable.length > 0)
      throw new UserError(`${unreachable.join(', ')} cannot be reached: no host was locked`, 5);
    const lasting = { ...owner, task: 'deploy:lock', message };
    if (t.dryRun) {
      const command = (remote: Remote) => leaveLock(remote.host.deployTo, lasting, owner);
      return t.on(t.hosts, (remote) => remote.run(command(remote), { label: 'lock the host' }));
    }
    const { held, errors } = await lockFleet(t.hosts, (remote, turn) => setLock(remote, lasting, owner, turn), locking);
    if (signal.aborted) await unlockFleet(held);
    t.fail(errors);
    if (errors.size === 0) t.detail(`${t.hosts.length} locked`);
  };

  const deployment: Deployment = {
    get release() {
      if (made.release === undefined)
        throw new UserError(
          'the release has no name before deploy:check, or where this run makes none: name deploy:check before this task, or work in `inRelease(host, t)` of rookery/recipes/places, which is `current` then',
        );
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
    state: states.of,
    publish: (host, release, records) => {
      states.publish(host, release, records);
      settle(host);
    },
    placed: settle,
    afterwards: states.afterwards,
    inspect,
    artifact: pack,
    ...{ swarm, incoming, pending, lock },
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
