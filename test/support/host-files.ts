/** What a deploy has left on the disks of hosts, read from outside. */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import type { DiskHost, Project } from './project.ts';
import type { SshdHost } from './sshd-fleet.ts';

/** Every path below the application's directory with what is there, the application itself as '.'; empty where it does not exist. */
export type Tree = Readonly<Record<string, string>>;

/** Reads the whole tree: kind, permissions, content. Two equal trees mean that nothing was touched. */
export const treeOf = async (host: DiskHost, application: string): Promise<Tree> => {
  const root = join(host.files, application);
  if (!lstatSync(root, { throwIfNoEntry: false })) return {};
  const paths = ['.', ...pathsBelow(root, '').sort()];
  return Object.fromEntries(paths.map((path) => [path, describe(join(root, path))])); // a third of the time that promises take
};

/** All paths, without entering links to directories (as readdir's own recursion does). */
const pathsBelow = (root: string, inside: string): string[] =>
  readdirSync(join(root, inside), { withFileTypes: true }).flatMap((entry) => {
    const path = join(inside, entry.name);
    return [path, ...(entry.isDirectory() ? pathsBelow(root, path) : [])];
  });

const describe = (path: string): string => {
  const status = lstatSync(path);
  const mode = (status.mode & 0o7777).toString(8);
  if (status.isSymbolicLink()) return `link to ${readlinkSync(path)}`;
  if (status.isDirectory()) return `directory ${mode}`;
  if (!status.isFile()) return `other ${mode}`;
  return `file ${mode} ${createHash('sha1').update(readFileSync(path)).digest('hex')}`;
};

export interface DeployedHost {
  /** Name of the release that `current` points to. */
  readonly current: string | undefined;
  /** Names of all releases, oldest first. */
  readonly releases: readonly string[];
  /** Lines of revisions.log. */
  readonly log: readonly string[];
  /** What does not belong on a host after a run: partial files, locks, unpublished releases, records of nothing. */
  readonly strays: readonly string[];
}

/** Reads what is deployed on a host. */
export const lookAt = async (host: DiskHost, application: string): Promise<DeployedHost> => {
  const root = join(host.files, application);
  const releases = (await readdir(join(root, 'releases')).catch(() => [])).sort();
  const link = await readlink(join(root, 'current')).catch(() => undefined);
  const log = await readFile(join(root, 'revisions.log'), 'utf8').catch(() => '');
  return {
    current: link === undefined ? undefined : basename(link),
    releases,
    log: log.split('\n').filter((line) => line !== ''),
    strays: await straysOf(root, releases),
  };
};

const straysOf = async (root: string, releases: readonly string[]): Promise<string[]> => {
  const own = await readdir(join(root, '.rookery'), { recursive: true }).catch(() => []);
  const expected = ['releases', 'incoming', 'peer', 'runtime', ...releases.map((name) => `releases/${name}`)];
  const strays = own.filter(
    (path) => !expected.includes(path) && !/^(peer\/[0-9a-f]{32}\.cjs|runtime\/[0-9a-f]{32}(\/node)?)$/.test(path),
  );
  const top = (await readdir(root).catch(() => [])).filter((name) => !TOP.includes(name));
  const unpublished = await Promise.all(releases.map((name) => unpublishedRelease(root, name)));
  return [...top, ...strays.map((path) => `.rookery/${path}`), ...unpublished.flat()];
};

const TOP = ['current', 'releases', 'shared', 'revisions.log', '.rookery'];

const unpublishedRelease = async (root: string, name: string): Promise<string[]> => {
  const record = await readFile(join(root, '.rookery/releases', name), 'utf8').catch(() => 'no record');
  return /^(published|bad)\t/.test(record) ? [] : [`releases/${name}: ${record.split('\t')[0]}`];
};

/** Nothing runs, nothing listens and nothing lies about on the hosts, nor among the deployer's temporary files. */
export const expectNothingLeft = async (
  project: Project,
  hosts: readonly SshdHost[] = project.hosts,
): Promise<void> => {
  for (const host of hosts) {
    expect(await host.quiet(), `processes on ${host.name}`).toEqual([]);
    expect(host.listeningPorts(), `ports of ${host.name}`).toEqual([]);
    expect((await lookAt(host, project.application)).strays, `files on ${host.name}`).toEqual([]);
  }
  expect(await project.leftovers(), 'temporary files of the deployer').toEqual([]);
};
