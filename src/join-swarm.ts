import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Artifact } from '#artifact/artifact.ts';
import type { Config } from '#config/config.ts';
import type { Emit } from '#protocol/events.ts';
import { formatCount } from '#recipe/format-count.ts';
import type { HostState } from '#recipe/host-state.ts';
import type { Remote } from '#recipe/remote.ts';
import type { SwarmSteps } from '#recipe/swarm-steps.ts';
import type { TaskContext } from '#recipe/task-context.ts';
import { UserError } from '#recipe/user-error.ts';
import { releasePaths } from '#release/release-paths.ts';
import { canReceive } from '#swarm/receive-file.ts';
import { sftpStrategy } from '#swarm/sftp-strategy.ts';
import type { DistributionResult, IsCached, Strategy, Target, Transfer } from '#swarm/strategy.ts';
import { STREAMED_BYTES, streamStrategy } from '#swarm/stream-strategy.ts';
import { torrentStrategy } from '#swarm/torrent-strategy.ts';
import { checkNetwork } from './check-network.ts';
import type { Runtimes } from './join-runtimes.ts';
import { drawKey } from './run-key.ts';

export interface SwarmParts {
  readonly config: Pick<Config, 'strategy' | 'swarm'>;
  readonly scratch: string;
  readonly pack: () => Promise<Artifact>;
  /** Where the artifact is to be on a host. */
  readonly incoming: (deployTo: string) => string;
  readonly dryRun: boolean;
  /** What was found on a host; undefined where it was not looked at. */
  readonly state: (host: string) => HostState | undefined;
  readonly runtimes: Runtimes;
  readonly done: (result: DistributionResult) => void;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/** The strategy's transfer as the steps of a recipe. */
export const joinSwarm = (parts: SwarmParts): SwarmSteps => {
  const { config, emit, signal, dryRun } = parts;
  const isCached: IsCached = (host, file) => parts.state(host)?.programs.includes(file) ?? false;
  let opened: Opened | undefined;

  const current = () => {
    if (!opened) throw new UserError('there is no torrent yet: swarm:create comes before this task');
    return opened;
  };
  const placeOf = (remote: Remote): Omit<Target, 'path'> => {
    const node = parts.runtimes.nodeOn(remote.host);
    const cache = `${releasePaths(remote.host.deployTo).own}/peer`;
    const insteadOfNode = () => parts.runtimes.insteadOn(remote);
    return { remote, cache, insteadOfNode, ...(node === undefined ? {} : { node }) };
  };
  const targetsOf = ({ hosts }: TaskContext): Target[] =>
    hosts.map((remote) => ({ ...placeOf(remote), path: parts.incoming(remote.host.deployTo) }));
  const stop = async (): Promise<void> => opened?.transfer.stop();
  const strategyFor = (bytes: number, targets: readonly Target[]): Strategy => {
    const little = config.strategy === 'sftp' || bytes * targets.length < config.swarm.minBytes;
    const receives = ({ remote }: Target) => canReceive(parts.state(remote.host.name)?.platform.tools ?? []);
    if (little && bytes <= STREAMED_BYTES && targets.every(receives)) return streamStrategy;
    return config.strategy === 'sftp' ? sftpStrategy : torrentStrategy;
  };

  return {
    create: async (t) => {
      const artifact = await parts.pack();
      const pieces = Math.ceil(artifact.bytes / artifact.pieceLength);
      const targets = targetsOf(t);
      const strategy = strategyFor(artifact.bytes, targets);
      const key = strategy === torrentStrategy ? drawKey(t, config.swarm) : {};
      const transfer = strategy.open({ artifact, targets, ...config.swarm, ...key, emit, signal });
      opened = { transfer, artifact, pieces, straight: strategy === streamStrategy };
      if (strategy === torrentStrategy) t.detail(`${formatCount(pieces)} pieces`);
      if (opened.straight && config.strategy === 'torrent') t.detail(TOO_LITTLE);
    },
    runtime: parts.runtimes.bring,
    track: async () => {
      if (!dryRun) await current().transfer.track();
    },
    seed: async () => {
      if (!dryRun) await current().transfer.seed();
    },
    fetch: async (t) => {
      const { transfer, artifact, pieces, straight } = current();
      const targets = targetsOf(t);
      if (dryRun) return transfer.rehearse(targets, isCached);
      const hosts = targets.map(({ remote }) => remote.host.name);
      const via = straight ? ({ via: 'ssh' } as const) : {};
      emit({ type: 'transfer-start', bytes: artifact.bytes, pieces, strategy: config.strategy, ...via, hosts });
      const result = await transfer.fetch(targets);
      parts.done(result);
      emit({ type: 'transfer-end', seconds: result.seconds, seederUploaded: result.seederUploaded });
      if (result.errors.size > 0 || signal.aborted) await stop(); // nothing may go on while the failure is put right
      t.fail(result.errors);
    },
    stop,
    runtimeOf: parts.runtimes.describe,
    check: async (t) => {
      if (config.strategy === 'sftp') return;
      const ready = t.hosts.filter(({ host }) => parts.runtimes.isReady(host.name));
      for (const { host } of t.hosts.filter((remote) => !ready.includes(remote))) {
        const message = 'its network is not tried: it has no directory, or no Node.js, before the first deploy';
        emit({ type: 'notice', level: 'info', message, host: host.name });
      }
      if (ready.length > 0) await checkNetwork(t, { ...parts, isCached, targets: ready.map(placeOf) });
    },
    clean: async () => {
      if (opened && dirname(opened.artifact.path) === parts.scratch) await rm(opened.artifact.path, { force: true });
    },
  };
};

interface Opened {
  readonly transfer: Transfer;
  readonly artifact: Artifact;
  readonly pieces: number;
  /** It goes straight to every host. */
  readonly straight: boolean;
}

const TOO_LITTLE = 'too little for a swarm (swarm.minBytes): straight to each host over SSH';
