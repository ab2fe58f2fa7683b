import { isAbsolute, join } from 'node:path';
import { suggest } from '#recipe/suggest.ts';
import { UserError } from '#recipe/user-error.ts';
import type { Config, SshChoices, Surroundings } from './config.ts';
import type { WrittenConfig, WrittenSsh } from './written-config.ts';

/** The configuration of one stage: what the stage says wins over the top level, which wins over the defaults. @throws UserError for an unknown stage */
export const resolveConfig = (written: WrittenConfig, stageName: string, around: Surroundings): Config => {
  const stage = Object.hasOwn(written.stages, stageName) ? written.stages[stageName] : undefined;
  if (!stage) throw unknownStage(stageName, Object.keys(written.stages));
  const merged = { ...written, ...stage };
  const ssh = { ...written.ssh, ...stage.ssh };
  const swarm = { ...written.swarm, ...stage.swarm };
  const [first = 42_000, last = 42_999] = (swarm.ports ?? '42000-42999').split('-').map(Number);
  return {
    application: merged.application,
    stage: stageName,
    directory: around.directory,
    deployTo: merged.deployTo ?? `/var/www/${merged.application}`,
    source: merged.source,
    build: list(merged.build),
    strategy: merged.strategy ?? 'torrent',
    keepReleases: merged.keepReleases ?? 5,
    linkedFiles: merged.linkedFiles ?? [],
    linkedDirs: merged.linkedDirs ?? [],
    hosts: Array.isArray(stage.hosts)
      ? stage.hosts.map((host) => (typeof host === 'string' ? { host } : host))
      : (stage.hosts as never),
    ssh: sshChoices(ssh, around),
    swarm: {
      ...{ ports: [first, last], stallTimeout: swarm.stallTimeout ?? 60, runtime: swarm.runtime ?? 'auto' },
      ...{ reach: swarm.reach ?? 'auto', network: list(swarm.network), minBytes: swarm.minBytes ?? 3_000_000 },
      encryption: swarm.encryption ?? true,
    },
    recipes: merged.recipes ?? [],
    set: { ...written.set, ...stage.set },
    roles: rolesOf(written),
    limits: {
      ...(merged.commandTimeout === undefined ? {} : { timeout: merged.commandTimeout }),
      ...(merged.commandIdleTimeout === undefined ? {} : { idleTimeout: merged.commandIdleTimeout }),
    },
    failurePolicy: {
      onFailure: merged.onFailure ?? 'stop',
      ...(merged.maxFailures === undefined ? {} : { maxFailures: merged.maxFailures }),
    },
  };
};

const sshChoices = (
  { configFile, identityFile, knownHostsFile, proxyJump, ...plain }: WrittenSsh,
  around: Surroundings,
): SshChoices => {
  const paths = (written: string | readonly string[]) => list(written).map((path) => localPath(path, around));
  return {
    ...plain,
    ...(configFile === undefined ? {} : { configFile: paths(configFile || []) }),
    ...(identityFile === undefined ? {} : { identityFile: paths(identityFile) }),
    ...(knownHostsFile === undefined ? {} : { knownHostsFile: paths(knownHostsFile) }),
    ...(proxyJump === undefined ? {} : { proxyJump: list(proxyJump || []) }),
  };
};

const rolesOf = ({ stages }: WrittenConfig): string[] => {
  const hosts = Object.values(stages).flatMap((stage) => (Array.isArray(stage.hosts) ? stage.hosts : []));
  return [...new Set(hosts.flatMap((host) => (typeof host === 'string' ? [] : (host.roles ?? []))))];
};

/** A path on this machine as written in the configuration: `~` is the home directory, other relative paths start at the config file. */
export const localPath = (path: string, { home, directory }: Pick<Surroundings, 'home' | 'directory'>): string => {
  if (path === '~' || path.startsWith('~/')) return join(home, path.slice(1));
  return isAbsolute(path) ? path : join(directory, path);
};

export const unknownStage = (name: string, known: readonly string[]): UserError =>
  new UserError(
    `there is no stage '${name}'${suggest(name, known) || '.'}${known.length > 0 ? ` The stages are: ${known.join(', ')}.` : ''}`,
    2,
  );

const list = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;
