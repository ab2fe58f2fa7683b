import type { Config } from '#config/config.ts';
import type { HostState } from '#recipe/host-state.ts';
import { NODE_PACKAGES, type NodePackage, OLDEST_GLIBC, runtimeName } from './node-packages.ts';

/** What is to run the peer on a host, or why nothing can. */
export type RuntimeChoice =
  | { readonly kind: 'host' }
  /** `kept`: the host has it from an earlier deploy. */
  | { readonly kind: 'bundled'; readonly runtime: NodePackage; readonly kept: boolean }
  | { readonly kind: 'none'; readonly problem: string };

/** Decides by what was found on the host: its own Node where it is new enough and may be used, otherwise one that is sent. */
export const chooseRuntime = (
  state: Pick<HostState, 'node' | 'platform' | 'freeBytes'>,
  wanted: Config['swarm']['runtime'],
): RuntimeChoice => {
  const { node } = state;
  const own = node === undefined ? 'no Node.js' : `only Node.js ${node || 'that does not run'}`;
  const none = (problem: string): RuntimeChoice => ({ kind: 'none', problem });
  if (wanted !== 'bundled' && majorOf(node) >= OLDEST_NODE) return { kind: 'host' };
  if (wanted === 'host')
    return none(`there is ${own} on this host: install Node ${OLDEST_NODE} or newer, or use strategy: 'sftp'`);
  const runtime = NODE_PACKAGES.find(({ machine }) => machine === state.platform.machine);
  const refused = runtime ? whyNot(runtime, state) : `there is none to send for the processor ${machineOf(state)}`;
  if (runtime && refused === undefined)
    return { kind: 'bundled', runtime, kept: state.platform.runtimes.includes(runtimeName(runtime)) };
  const why = wanted === 'bundled' ? 'the bundled Node.js cannot be used on this host' : `there is ${own} on this host`;
  return none(`${why}, and ${refused}: install Node ${OLDEST_NODE} or newer, or use strategy: 'sftp'`);
};

/** The oldest Node that the peer is built for. */
const OLDEST_NODE = 18;

const majorOf = (node: string | undefined): number => Number(node?.match(/^v(\d+)/)?.[1] ?? 0);

const machineOf = ({ platform }: Pick<HostState, 'platform'>): string => platform.machine ?? 'of this host';

/** Why a runtime would not run, or could not be checked, in words that go on a sentence. */
const whyNot = (
  runtime: NodePackage,
  { platform, freeBytes }: Pick<HostState, 'platform' | 'freeBytes'>,
): string | undefined => {
  const { loaders, glibc, tools, runsPrograms, runtimes } = platform;
  if (!loaders.includes(runtime.loader))
    return loaders.some((path) => path.includes('musl'))
      ? 'the one to send needs glibc: this host has musl (on Alpine: apk add nodejs)'
      : `the one to send needs glibc: there is no ${runtime.loader}`;
  if (glibc !== undefined && isOlder(glibc, OLDEST_GLIBC))
    return `the one to send needs glibc ${OLDEST_GLIBC}: this host has ${glibc}`;
  if (!runsPrograms) return 'the one to send could not be run: deployTo is on a file system that is mounted noexec';
  if (!HASHERS.some((name) => tools.includes(name)))
    return `the one to send could not be checked: there is no ${HASHERS.join(', ')}`;
  if (!runtimes.includes(runtimeName(runtime)) && freeBytes < runtime.bytes)
    return `the one to send needs ${megabytes(runtime.bytes)} on the disk: ${megabytes(freeBytes)} are free`;
  return undefined;
};

const HASHERS = ['sha256sum', 'shasum', 'openssl'];

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

const isOlder = (one: string, other: string): boolean => {
  const [major = 0, minor = 0] = one.split('.').map(Number);
  const [otherMajor = 0, otherMinor = 0] = other.split('.').map(Number);
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
};
