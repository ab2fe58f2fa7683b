import { randomBytes } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { expectNothingLeft, lookAt, type Tree, treeOf } from '../support/host-files.ts';
import { type Deployed, makeProject, type Project, type ProjectOptions } from '../support/project.ts';
import { isRoot, SSHD_TOOLS, type SshdFleet, type SshdHost, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs, needsRoot } from '../support/tools.ts';

const STRATEGIES = ['torrent', 'sftp'] as const;

describe.skipIf(!needs(...SSHD_TOOLS, 'git'))(
  'a host that is not fit for the release ends the run with 1, and all keep what they had',
  () => {
    let fleet: SshdFleet;
    let one: SshdHost;
    let two: SshdHost;
    let three: SshdHost;
    let small: SshdHost;
    let withoutNode: SshdHost;
    let withoutTar: SshdHost;
    let project: Project;
    let number = 0;
    beforeAll(async () => {
      const poor = [{ without: ['node', 'nodejs'] }, { without: ['tar', 'bsdtar'] }];
      fleet = await startSshdFleet({ hosts: [{}, {}, {}, isRoot() ? { diskSize: '8m' } : {}, ...poor] });
      [one, two, three, small, withoutNode, withoutTar] = fleet.hosts as [
        SshdHost,
        SshdHost,
        SshdHost,
        SshdHost,
        SshdHost,
        SshdHost,
      ];
    });
    afterAll(() => fleet?.close());
    afterEach(() => project?.remove());

    /** A project of its own for every test: no test finds what another left. */
    const newProject = async (hosts: readonly SshdHost[], options: Omit<ProjectOptions, 'fleet'> = {}) => {
      number += 1;
      project = await makeProject({ fleet, hosts, application: `app${number}`, ...options });
    };
    const trees = (): Promise<Tree[]> => Promise.all(project.hosts.map((host) => treeOf(host, project.application)));
    const deployWell = async () => {
      const { exitCode, summary } = await project.deploy();
      expect({ exitCode, summary }).toMatchObject({ exitCode: 0 });
      await expectNothingLeft(project);
    };
    const tasksOf = ({ events }: Deployed) =>
      events.flatMap((event) => (event.type === 'task-start' ? [event.task] : []));

    test('a linked file that is missing on one of three hosts is named with its host, before anything is packed', async () => {
      await newProject([one, two, three]);
      for (const host of project.hosts)
        await mkdir(join(host.files, project.application, 'shared/config'), { recursive: true });
      for (const host of [one, three])
        await writeFile(join(host.files, project.application, 'shared/config/.env'), 'A=1\n');
      await deployWell();
      const before = await trees();
      await project.configure({ config: { linkedFiles: ['config/.env'] } });
      const run = await project.deploy();
      expect(run.exitCode).toBe(1);
      expect(run.of(two)).toMatchObject({
        ...{ status: 'failed', error: { code: 'check', task: 'deploy:check' } },
      });
      expect(run.of(two).error?.message).toContain(`${two.deployTo(project.application)}/shared/config/.env`);
      expect([run.of(one).status, run.of(three).status]).toEqual(['unchanged', 'unchanged']);
      expect(tasksOf(run)).not.toContain('deploy:pack');
      expect(await trees()).toEqual(before);
      await expectNothingLeft(project);
    });

    describe.skipIf(!needsRoot())('a full disk (needs root: a file system of its own)', () => {
      const packed = { transfer: 12_000_000, unpacking: 4_500_000 };
      test.each(STRATEGIES.flatMap((strategy) => (['transfer', 'unpacking'] as const).map((at) => ({ strategy, at }))))(
        'at the $at, by $strategy, is told as such',
        async ({ strategy, at }) => {
          await newProject([one, small, three], { config: { strategy, swarm: { minBytes: 0 } } });
          await deployWell();
          const before = await trees();
          await project.commit({ large: randomBytes(packed[at]) });
          const run = await project.deploy();
          expect(run).toMatchObject({ exitCode: 1 });
          const task = at === 'transfer' ? 'swarm:fetch' : 'deploy:unpack';
          expect(run.of(small)).toMatchObject({
            status: 'failed',
            error: { code: 'disk-full', task, message: expect.stringContaining('the disk is full') },
          });
          expect([run.of(one).status, run.of(three).status]).toEqual(['unchanged', 'unchanged']);
          expect(await trees()).toEqual(before);
          await expectNothingLeft(project);
          await fleet.ssh(small, `rm -rf ${small.deployTo(project.application)}`);
        },
      );

      test('before anything else: there is not even room for the lock', async () => {
        await newProject([one, small, three]);
        await deployWell();
        const before = await trees();
        const filler = small.deployTo('filler');
        await fleet.ssh(small, `cat /dev/zero > ${filler} 2>/dev/null || :`);
        const run = await project.deploy();
        await fleet.ssh(small, `rm -f ${filler}`);
        expect(run.exitCode).toBe(1);
        expect(run.of(small)).toMatchObject({ status: 'failed', error: { code: 'disk-full', task: 'deploy:lock' } });
        expect(await trees()).toEqual(before);
        await expectNothingLeft(project);
      });
    });

    test('no permission to write, on a host that has served before', async () => {
      await newProject([one, two]);
      await deployWell();
      const before = await trees();
      const root = two.deployTo(project.application);
      const paths = ['', '/releases', '/.rookery'].map((path) => join(two.files, project.application, path));
      if (isRoot()) await fleet.ssh(two, `mount --bind ${root} ${root} && mount -o remount,bind,ro ${root}`);
      else await Promise.all(paths.map((path) => chmod(path, 0o555)));
      const run = await project.deploy();
      if (isRoot()) await fleet.ssh(two, `umount ${root}`);
      else await Promise.all(paths.map((path) => chmod(path, 0o755)));
      expect(run.exitCode).toBe(1);
      expect(run.of(two)).toMatchObject({ status: 'failed', error: { code: 'permission' } });
      expect(run.of(two).error?.output).toMatch(/Read-only file system|Permission denied/);
      expect(run.of(one).error).toBeUndefined();
      expect(await trees()).toEqual(before);
      await expectNothingLeft(project);
    });

    test('deployTo below a regular file', async () => {
      await newProject([one, two]);
      await writeFile(join(two.files, project.application), 'a file\n');
      const run = await project.deploy();
      expect(run.exitCode).toBe(1);
      expect(run.of(two)).toMatchObject({
        status: 'failed',
        error: { output: expect.stringMatching(/[Nn]ot a directory|File exists/) },
      });
      expect((await lookAt(one, project.application)).releases).toEqual([]);
      await expectNothingLeft(project, [one]);
    });

    test('a host without Node that may not be sent one is named before anything is packed or sent; by sftp it is served', async () => {
      await newProject([one, withoutNode], { config: { swarm: { runtime: 'host' } } });
      const run = await project.deploy();
      expect(run.exitCode).toBe(1);
      expect(run.of(withoutNode)).toMatchObject({ status: 'failed', error: { task: 'deploy:check' } });
      expect(run.of(withoutNode).error?.message).toMatch(/no Node\.js.*sftp/);
      expect(run.of(one).status).toBe('unchanged');
      expect(tasksOf(run)).toEqual(expect.not.arrayContaining(['deploy:pack', 'swarm:fetch']));
      expect((await lookAt(withoutNode, project.application)).releases).toEqual([]);
      await expectNothingLeft(project);
      await project.configure({ config: { strategy: 'sftp' } });
      await deployWell();
      for (const host of project.hosts)
        expect(await lookAt(host, project.application)).toMatchObject({ releases: [expect.any(String)] });
    });

    test('a host without tar is named before anything is packed or sent', async () => {
      await newProject([one, withoutTar]);
      const run = await project.deploy();
      expect(run.exitCode).toBe(1);
      expect(run.of(withoutTar).error).toMatchObject({
        task: 'deploy:check',
        message: expect.stringContaining('no tar'),
      });
      expect(tasksOf(run)).not.toContain('deploy:pack');
      await expectNothingLeft(project);
    });

    test('`current` that is a directory of somebody else stays as it is', async () => {
      await newProject([one, two]);
      const current = join(two.files, project.application, 'current');
      await mkdir(current, { recursive: true });
      await writeFile(join(current, 'precious'), 'data\n');
      const run = await project.deploy();
      expect(run.exitCode).toBe(1);
      expect(run.of(two).error).toMatchObject({
        code: 'check',
        message: expect.stringMatching(/current is a directory/),
      });
      expect((await treeOf(two, project.application))['current/precious']).toMatch(/^file 644/);
      for (const host of project.hosts) expect((await lookAt(host, project.application)).releases).toEqual([]);
      await expectNothingLeft(project);
    });

    test('every unfit host is told in one run, each with all that is wrong with it', async () => {
      await newProject([one, two, withoutNode, withoutTar], {
        config: { linkedFiles: ['.env'], swarm: { runtime: 'host' } },
      });
      await mkdir(join(one.files, project.application, 'shared'), { recursive: true });
      await writeFile(join(one.files, project.application, 'shared/.env'), '');
      const run = await project.deploy();
      expect(run.exitCode).toBe(1);
      expect(run.of(one).error).toBeUndefined();
      expect(run.of(two).error?.message).toMatch(/\.env/);
      expect(run.of(withoutNode).error?.message).toMatch(/\.env.*Node/s);
      expect(run.of(withoutTar).error?.message).toMatch(/\.env.*tar/s);
      const plain = await project.run(['production', '--format', 'plain']);
      for (const words of ['.env', 'no Node.js', 'no tar', withoutTar.address, two.address])
        expect(plain.stdout + plain.stderr).toContain(words);
    });
  },
);
