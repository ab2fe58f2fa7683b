/** What scenarios look at: the hosts' disks and processes, from outside. */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lookAt } from '../support/host-files.ts';
import type { SshdHost } from '../support/sshd-fleet.ts';
import type { Rival, RivalOptions, RivalRun } from './rival.ts';

/** Deploys a page, to its good end. */
export const publish = async (rival: Rival, page: string, options: RivalOptions = {}): Promise<RivalRun> => {
  await rival.commit({ 'index.html': page });
  return succeed(await rival.run(['deploy'], options));
};

/** @throws unless the run ended well */
export const succeed = (run: RivalRun): RivalRun => {
  if (run.exitCode !== 0) throw new Error(`exit code ${run.exitCode}:\n${run.output}`);
  return run;
};

/** Deploys a page with a host that fails after its files have come. @throws unless the run failed */
export const failToPublish = async (rival: Rival, page: string): Promise<void> => {
  await rival.commit({ 'index.html': page });
  const run = await rival.run(['deploy'], { failAt: 'updated' });
  if (run.exitCode !== 1) throw new Error(`it should have failed:\n${run.output}`);
};

/** A file below the application on every host. */
export const files = ({ hosts, application }: Rival, path: string): Promise<(string | undefined)[]> =>
  Promise.all(hosts.map((host) => read(join(host.files, application, path))));

const read = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined);

/** The page that every host serves. */
export const served = (rival: Rival): Promise<(string | undefined)[]> =>
  Promise.all(rival.hosts.map(async (host) => pageOf(rival, host, (await lookAt(host, rival.application)).current)));

/** The pages of all releases on every host, oldest first. */
export const kept = (rival: Rival): Promise<(string | undefined)[][]> =>
  Promise.all(
    rival.hosts.map(async (host) => {
      const releases = await releaseNames(rival, host);
      return Promise.all(releases.map((name) => pageOf(rival, host, name)));
    }),
  );

export const releaseNames = async ({ application }: Rival, host: SshdHost): Promise<string[]> =>
  (await lookAt(host, application)).releases.filter((name) => /^\d{14}$/.test(name));

const pageOf = async ({ application }: Rival, host: SshdHost, release: string | undefined) =>
  release === undefined ? undefined : read(join(host.files, application, 'releases', release, 'index.html'));

/** The applications' directories, for tasks that write there before any deploy. */
export const makeDirectories = async ({ hosts, application }: Rival): Promise<void> => {
  for (const host of hosts) await mkdir(join(host.files, application), { recursive: true });
};

/** On how many hosts something still runs. */
export const stillBusy = async ({ hosts }: Rival, withinMs: number): Promise<number> => {
  const left = await Promise.all(hosts.map((host) => host.quiet(withinMs)));
  return left.filter((processes) => processes.length > 0).length;
};

/** What lies in the directory for temporary files of every host. */
export const besides = async ({ hosts }: Rival): Promise<string[][]> =>
  Promise.all(hosts.map((host) => readdir(join(host.files, 'tmp')).catch(() => [])));
