import { mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectNothingLeft, lookAt, type Tree, treeOf } from '../support/host-files.ts';
import { makeLargeApplication } from '../support/large-application.ts';
import { type Deployed, makeProject } from '../support/project.ts';
import { SSHD_TOOLS, type SshdFleet, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs } from '../support/tools.ts';

const LINKED = { linkedFiles: ['config/.env', 'settings.json'], linkedDirs: ['log', 'public/uploads'] };
const LINKS = [...LINKED.linkedFiles, ...LINKED.linkedDirs];
const RECORDS = ['REVISION', 'REVISION_TIME'];
const by = { USER: 'alice' };

describe.skipIf(!needs('git', ...SSHD_TOOLS)).each([
  { strategy: 'torrent', bytes: 30_000_000, files: 2000, hosts: 8 },
  { strategy: 'sftp', bytes: 6_000_000, files: 500, hosts: 4 },
] as const)(
  '$bytes bytes in $files files to $hosts hosts by $strategy',
  ({ strategy, bytes: BYTES, files: FILES, hosts: HOSTS }) => {
    let fleet: SshdFleet;
    let project: Awaited<ReturnType<typeof makeProject>>;
    interface Deploy {
      readonly run: Deployed;
      readonly release: string;
      readonly revision: string;
      readonly tree: Tree;
    }
    let first: Deploy;
    let second: Deploy;

    beforeAll(async () => {
      fleet = await startSshdFleet({ hosts: HOSTS });
      const files = makeLargeApplication({ files: FILES, bytes: BYTES });
      project = await makeProject({ fleet, files, config: { strategy, keepReleases: 2, ...LINKED } });
      for (const host of fleet.hosts) {
        await mkdir(join(host.files, 'shop/shared/config'), { recursive: true });
        for (const file of LINKED.linkedFiles) await writeFile(join(host.files, 'shop/shared', file), `of this host\n`);
      }
    });
    afterAll(async () => {
      await project?.remove();
      await fleet?.close();
    });

    const deploy = async (): Promise<Deploy> => {
      const revision = (await project.git('rev-parse', 'HEAD')).trim();
      const tree = without(await treeOf({ ...fleet.hosts[0]!, files: project.dir }, '.'), ['deploy.config.ts']);
      const run = await project.deploy([], { env: by });
      expect(run.exitCode, `${run.stderr}${JSON.stringify(run.summary)}`).toBe(0);
      expect(run.stderr).toBe('');
      return { run, release: run.summary.release!, revision, tree };
    };

    const expectContent = async ({ release, tree }: Deploy) => {
      for (const host of fleet.hosts) {
        const found = without(await treeOf(host, `shop/releases/${release}`), [...RECORDS, 'config', ...LINKS]);
        expect(found).toEqual(tree);
      }
    };

    const expectServed = async ({ release, revision }: Deploy) => {
      const time = await project.git('show', '-s', '--format=%ct', revision);
      for (const host of fleet.hosts) {
        const deployTo = host.deployTo('shop');
        expect(await readlink(join(host.files, 'shop/current'))).toBe(`${deployTo}/releases/${release}`);
        const root = join(host.files, 'shop/releases', release);
        expect(await readFile(join(root, 'REVISION'), 'utf8')).toBe(`${revision}\n`);
        expect(await readFile(join(root, 'REVISION_TIME'), 'utf8')).toBe(time);
        for (const path of LINKS) expect(await readlink(join(root, path))).toBe(`${deployTo}/shared/${path}`);
        expect(await readFile(join(host.files, 'shop/shared/config/.env'), 'utf8')).toBe('of this host\n');
        const shared = await treeOf(host, 'shop/shared');
        for (const path of LINKED.linkedDirs) expect(shared[path]).toMatch(/^directory/);
      }
      await expectNothingLeft(project);
    };

    test('every host holds the commit: contents, modes, links, names, records, shared files', async () => {
      first = await deploy();
      await expectServed(first);
      await expectContent(first);
      expect(Object.values(first.tree).filter((line) => line.startsWith('file'))).toHaveLength(FILES);
    });

    test('the summary has every field, and values that can be', () => {
      const { summary, events } = first.run;
      expect(summary).toMatchObject({
        ...{ type: 'summary', ok: true, exitCode: 0, application: 'shop', stage: 'production', task: 'deploy' },
        revision: first.revision,
        release: expect.stringMatching(/^\d{14}$/),
      });
      const { bytes, files } = summary.artifact!;
      expect(files).toBe(Object.values(first.tree).filter((line) => !line.startsWith('directory')).length);
      expect(bytes).toBeGreaterThan(BYTES);
      expect(bytes).toBeLessThan(BYTES * 1.2);
      expect(summary.hosts.map(({ host }) => host)).toEqual(fleet.hosts.map(({ address }) => address));
      for (const host of summary.hosts) {
        expect(host).toMatchObject({ status: 'published', reused: 0, uploaded: expect.any(Number) });
        expect(host.downloaded).toBeGreaterThanOrEqual(bytes);
        expect(host.downloaded).toBeLessThan(bytes * 1.1);
        expect(host.seconds).toBeGreaterThan(0);
        expect(host.seconds).toBeLessThanOrEqual(summary.seconds);
      }
      expect(summary.swarm!.seconds).toBeGreaterThan(0);
      expect(summary.swarm!.seconds).toBeLessThan(summary.seconds);
      const elapsed = Date.parse(events.at(-1)!.at) - Date.parse(events[0]!.at);
      expect(summary.seconds * 1000).toBeGreaterThan(elapsed / 2); // from the start, but without the good-byes
    });

    test('what was sent is what was received, and in a swarm the hosts send, too', () => {
      const { artifact, hosts, swarm } = first.run.summary;
      const sum = (key: 'downloaded' | 'uploaded') => hosts.reduce((total, host) => total + host[key], 0);
      const sent = swarm!.seederUploaded + sum('uploaded');
      expect(Math.abs(sent - sum('downloaded'))).toBeLessThan(0.1 * sent);
      if (strategy === 'sftp') expect(swarm!.seederUploaded).toBe(HOSTS * artifact!.bytes);
      else {
        expect(swarm!.seederUploaded).toBeGreaterThanOrEqual(artifact!.bytes);
        expect(swarm!.seederUploaded).toBeLessThan(HOSTS * artifact!.bytes);
        expect(sum('uploaded')).toBeGreaterThan(0);
      }
    });

    test('every line is an event with a type and a time, and times do not run backwards', () => {
      const { events, stdout } = first.run;
      expect(stdout.endsWith('\n')).toBe(true);
      for (const { type, at } of events) {
        expect(type).toMatch(/^[a-z-]+$/);
        expect(new Date(at).toISOString()).toBe(at);
      }
      expect(events.map(({ at }) => at)).toEqual(events.map(({ at }) => at).sort());
      expect(events.filter(({ type }) => type === 'summary')).toHaveLength(1);
    });

    test('a second deploy brings the new commit, and the peer program does not travel again', async () => {
      const peerFiles = () => Promise.all(fleet.hosts.map(async (host) => await treeOf(host, 'shop/.rookery/peer')));
      const before = await peerFiles();
      await project.commit({ 'app/new.txt': 'new\n', 'app/größer/日本.txt': 'changed\n' });
      second = await deploy();
      await expectServed(second);
      await expectContent(second);
      expect(await peerFiles()).toEqual(before);
      expect(peerCommands(second.run)).toEqual([]);
      expect(peerCommands(first.run)).toHaveLength(strategy === 'torrent' ? HOSTS : 0);
    });

    test('a rollback serves the release before, without a transfer', async () => {
      const run = await project.deploy(['deploy:rollback'], { env: by });
      expect(run).toMatchObject({ exitCode: 0, stderr: '' });
      expect(run.events.map(({ type }) => type)).not.toContain('transfer-start');
      expect(run.summary).toMatchObject({ task: 'deploy:rollback', release: first.release });
      await expectServed(first);
    });

    test("keepReleases releases stay, and revisions.log tells all, in Capistrano's words", async () => {
      const third = await deploy();
      await expectServed(third);
      const log = [
        deployedLine(first),
        deployedLine(second),
        `alice rolled back to release ${first.release}`,
        deployedLine(third),
      ];
      for (const host of fleet.hosts) {
        // the second one is bad: the rollback left it
        expect(await lookAt(host, 'shop')).toEqual({
          ...{ current: third.release, releases: [first.release, third.release], log, strays: [] },
        });
        expect(await readdir(join(host.files, 'shop/.rookery/releases'))).toHaveLength(2);
      }
    });
  },
);

const deployedLine = ({ revision, release }: { revision: string; release: string }) =>
  `Branch main (at ${revision}) deployed as release ${release} by alice`;

/** A tree without these paths, what is below them, its root and the repository. */
const without = (tree: Tree, paths: readonly string[]): Tree =>
  Object.fromEntries(
    Object.entries(tree).filter(
      ([path]) => path !== '.' && ![...paths, '.git'].some((skip) => path === skip || path.startsWith(`${skip}/`)),
    ),
  );

/** The commands that put the peer program into a host's cache. */
const peerCommands = ({ events }: Deployed) =>
  events.filter((event) => event.type === 'command-start' && /^clear .*\.rookery\/peer$/.test(event.command));
