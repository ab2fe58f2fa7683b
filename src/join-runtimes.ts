import { runLocal } from '#artifact/run-local.ts';
import type { Config } from '#config/config.ts';
import type { Emit } from '#protocol/events.ts';
import type { HostState } from '#recipe/host-state.ts';
import { CommandFailed, type Remote } from '#recipe/remote.ts';
import type { TaskContext } from '#recipe/task-context.ts';
import { UserError } from '#recipe/user-error.ts';
import { releasePaths } from '#release/release-paths.ts';
import { bringRuntimes, rehearseRuntimes } from '#runtime/bring-runtimes.ts';
import type { ChainNetwork } from '#runtime/chain.ts';
import { chooseRuntime, type RuntimeChoice } from '#runtime/choose-runtime.ts';
import { runtimePath } from '#runtime/host-commands.ts';
import type { NodePackage } from '#runtime/node-packages.ts';
import { obtainRuntime, type RuntimeFile } from '#runtime/obtain-runtime.ts';
import type { Receiver, RuntimeError } from '#runtime/receiver.ts';
import { peerAddresses } from '#swarm/host-address.ts';

export interface RuntimeParts {
  readonly config: Pick<Config, 'strategy' | 'swarm'>;
  /** Where this user's programs keep what they can make again. */
  readonly cache: string;
  readonly scratch: string;
  /** What was found on a host; undefined where it was not looked at. */
  readonly state: (host: string) => HostState | undefined;
  readonly look: (t: TaskContext, hosts: TaskContext['hosts']) => Promise<void>;
  readonly dryRun: boolean;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/** What runs the peer on the hosts of a run: decided by what was found there, fetched here, brought there. */
export const joinRuntimes = (parts: RuntimeParts) => {
  const { config, signal, emit } = parts;
  const fetched = new Map<NodePackage, Promise<RuntimeFile>>();
  const choiceOf = (state: HostState): RuntimeChoice =>
    config.strategy === 'torrent' ? chooseRuntime(state, config.swarm.runtime) : { kind: 'host' };
  const choice = (host: string): RuntimeChoice => {
    const state = parts.state(host);
    return state ? choiceOf(state) : { kind: 'host' };
  };
  const fetch = (runtime: NodePackage): Promise<RuntimeFile> => {
    const env = { NODE_DISABLE_COMPILE_CACHE: '1' }; // npm on Node 22 and newer leaves one among the temporary files
    const what = 'to get a Node.js for hosts without one,';
    const run = (command: readonly string[]) => runLocal({ command, env, cwd: parts.scratch, what }, emit, signal);
    const file = fetched.get(runtime) ?? obtainRuntime(runtime, { cache: parts.cache, run });
    fetched.set(runtime, file);
    return file;
  };
  const receiver = (remote: Remote, runtime: NodePackage): Receiver => ({
    ...{ remote, runtime, address: remote.addresses.remote },
    runtimes: releasePaths(remote.host.deployTo).runtimes,
    tools: parts.state(remote.host.name)?.platform.tools ?? [],
    addresses: (around) => {
      const { likely, spare } = peerAddresses({ remote }, around, config.swarm.network);
      return [...likely, ...spare].slice(0, ADDRESSES);
    },
  });
  const receivers = (hosts: readonly Remote[]): Receiver[] =>
    hosts.flatMap((remote) => {
      const chosen = choice(remote.host.name);
      return chosen.kind === 'bundled' && !chosen.kept ? [receiver(remote, chosen.runtime)] : [];
    });
  const pathOn = ({ deployTo }: Remote['host'], runtime: NodePackage): string =>
    runtimePath(releasePaths(deployTo).runtimes, runtime);

  const refusal = (host: string): [string, RuntimeError][] => {
    const chosen = choice(host);
    return chosen.kind === 'none' ? [[host, { code: 'runtime', message: chosen.problem }]] : [];
  };

  const unreachable: ChainNetwork['unreachable'] = (from, to, { addresses, port }, why) => {
    const message = `${from} cannot reach ${to} at ${addresses.join(', ')} on port ${port} (${why}): the runtime goes there from here`;
    emit({ type: 'notice', level: 'warning', message });
  };

  return {
    /** Why nothing can run the peer on a host; undefined where something can. */
    problem: (state: HostState): string | undefined => {
      const chosen = choiceOf(state);
      return chosen.kind === 'none' ? chosen.problem : undefined;
    },
    /** What runs the peer on a host that was looked at, in words. */
    describe: (host: string): string => {
      const chosen = choice(host);
      if (chosen.kind === 'none') return chosen.problem;
      if (chosen.kind === 'host') return `its own Node.js ${parts.state(host)?.node ?? ''}`.trim();
      return `Node.js ${chosen.runtime.version}, ${chosen.kept ? 'kept from an earlier deploy' : 'sent by the first deploy'}`;
    },
    /** Whether the peer can be started on a host without bringing anything but itself. */
    isReady: (host: string): boolean => {
      const state = parts.state(host);
      if (!state || Number.isNaN(state.freeBytes)) return false; // there is no deployTo
      const chosen = choiceOf(state);
      return chosen.kind === 'host' || (chosen.kind === 'bundled' && chosen.kept);
    },
    /** Fetches what hosts of a run are to get, before anything else begins. */
    prepare: async (hosts: readonly Remote[]): Promise<void> => {
      if (!parts.dryRun) await Promise.all(receivers(hosts).map(({ runtime }) => fetch(runtime)));
    },
    bring: async (t: TaskContext): Promise<void> => {
      const unknown = config.strategy === 'torrent' ? t.hosts.filter(({ host }) => !parts.state(host.name)) : [];
      if (unknown.length > 0) await parts.look(t, unknown);
      t.fail(new Map(unknown.flatMap(({ host }) => refusal(host.name))));
      const missing = receivers(t.hosts);
      if (missing.length === 0) return;
      if (parts.dryRun) return rehearseRuntimes(missing);
      const { copies, errors } = await bringRuntimes(missing, fetch, { ...config.swarm, signal, unreachable });
      t.detail(
        `Node ${missing[0]!.runtime.version} to ${missing.length} hosts, ${copies === 1 ? 'one copy' : `${copies} copies`} sent`,
      );
      t.fail(errors);
    },
    /** Path of the program that is to run the peer on a host; undefined: its own Node. */
    nodeOn: (host: Remote['host']): string | undefined => {
      const chosen = choice(host.name);
      if (chosen.kind === 'none') throw new UserError(`${host.name}: ${chosen.problem}`);
      return chosen.kind === 'bundled' ? pathOn(host, chosen.runtime) : undefined;
    },
    /** Brings one to a host whose own Node turned out not to run the peer; undefined where that may or can not be. */
    insteadOn: async (remote: Remote): Promise<string | undefined> => {
      const { name } = remote.host;
      const state = parts.state(name);
      const chosen = state && config.swarm.runtime === 'auto' ? chooseRuntime(state, 'bundled') : undefined;
      if (chosen?.kind !== 'bundled') return undefined;
      const message = `${name}: its own Node.js does not run the peer: it gets one from here`;
      emit({ type: 'notice', level: 'warning', message });
      if (chosen.kept) return pathOn(remote.host, chosen.runtime);
      const { errors } = await bringRuntimes([receiver(remote, chosen.runtime)], fetch, {
        ...config.swarm,
        signal,
        unreachable,
      });
      const [error] = errors.values();
      if (error) throw new CommandFailed(name, error);
      return pathOn(remote.host, chosen.runtime);
    },
  };
};

/** Addresses at which one host tries another. */
const ADDRESSES = 4;

export type Runtimes = ReturnType<typeof joinRuntimes>;
