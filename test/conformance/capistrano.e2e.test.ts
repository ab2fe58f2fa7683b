/** Capistrano's own scenarios (lists C1 to C8; C9 is with SSHKit's), against real sshd. */
import { lstat, mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { lookAt } from '../support/host-files.ts';
import { makeProject } from '../support/project.ts';
import { SSHD_TOOLS, type SshdFleet, startSshdFleet } from '../support/sshd-fleet.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';
import { needs } from '../support/tools.ts';

const recipes = `[(await import('${fileURLToPath(new URL('recipes/defects.ts', import.meta.url))}')).default]`;

describe.skipIf(!needs('git', ...SSHD_TOOLS))("Capistrano's scenarios", () => {
  let fleet: SshdFleet;
  let project: Awaited<ReturnType<typeof makeProject>>;
  const config = { strategy: 'sftp', linkedDirs: ['log', 'public/uploads'], linkedFiles: ['config/deep/env'] };
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: 2 });
    project = await makeProject({ fleet, recipes, config });
  });
  afterAll(async () => {
    await project?.remove();
    await fleet?.close();
  });

  const roots = () => fleet.hosts.map((host) => join(host.files, 'shop'));
  const deployed = async (...words: string[]): Promise<string> => {
    const { exitCode, stderr, summary } = await project.deploy(words);
    expect(exitCode, `${stderr}${JSON.stringify(summary)}`).toBe(0);
    return summary.release!;
  };
  const currents = () => Promise.all(fleet.hosts.map(async (host) => (await lookAt(host, 'shop')).current));

  test('C1: init writes a configuration and never over one; tasks are listed without one', async () => {
    const cwd = await makeTempDir('init');
    try {
      const tasks = await runCli(['tasks'], { cwd });
      expect(tasks).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('deploy:symlink:release') });
      expect((await runCli(['init'], { cwd })).exitCode).toBe(0);
      const file = join(cwd, 'deploy.config.ts');
      expect(await readFile(file, 'utf8')).toContain('production: {');
      await writeFile(file, 'mine');
      expect((await runCli(['init'], { cwd })).exitCode).toBe(2);
      expect([await readFile(file, 'utf8'), await readdir(cwd)]).toEqual(['mine', ['deploy.config.ts']]);
    } finally {
      await removeTempDir(cwd);
    }
  });

  test('C2: a configuration elsewhere, one found from a subdirectory, and a stage that may not be called so', async () => {
    const below = join(project.dir, 'a/b');
    await mkdir(below, { recursive: true });
    expect((await project.run(['production', '--plan'], { cwd: below })).exitCode).toBe(0);
    const named = await project.run(['production', '--plan', '--config', join(project.dir, 'deploy.config.ts')], {
      cwd: '/',
    });
    expect(named).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('deploy:unpack') });
    await writeFile(join(below, 'deploy.config.ts'), RESERVED);
    const reserved = await project.run(['production', '--plan'], { cwd: below });
    expect(reserved.exitCode).toBe(2);
    for (const name of ['deploy', 'doctor', 'install'])
      expect(reserved.stderr).toContain(`stages.${name}: '${name}' is a command`);
  });

  test('C3: deploy:check makes shared, releases and what is linked, and refuses a host where a linked file is missing', async () => {
    const { exitCode, summary } = await project.deploy(['deploy:check']);
    expect(exitCode).toBe(1);
    for (const root of roots()) {
      for (const path of ['releases', 'shared/log', 'shared/public/uploads', 'shared/config/deep'])
        expect((await lstat(join(root, path))).isDirectory(), path).toBe(true);
    }
    for (const { error } of summary.hosts) expect(error?.message).toContain('shared/config/deep/env does not exist');
    for (const root of roots()) await writeFile(join(root, 'shared/config/deep/env'), 'secret');
    await deployed('deploy:check');
    const nowhere = await project.run(['production', '--set', 'source.repository=/nowhere/at/all']);
    expect(nowhere).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('/nowhere/at/all') }); // C4: git:check
  });

  test('C4, C5: a release of that name with REVISION and REVISION_TIME, linked to shared, and current to it', async () => {
    const release = await deployed();
    expect(release).toMatch(/^2\d{3}(0[1-9]|1[0-2])([0-2]\d|3[01])\d{6}$/);
    const [revision, time] = (await project.git('log', '-1', '--format=%H %ct')).trim().split(' ');
    for (const [index, root] of roots().entries()) {
      const deployTo = fleet.hosts[index]!.deployTo('shop');
      const read = (path: string) => readFile(join(root, 'releases', release, path), 'utf8');
      expect([await read('REVISION'), await read('REVISION_TIME')]).toEqual([`${revision}\n`, `${time}\n`]);
      for (const path of ['log', 'public/uploads', 'config/deep/env'])
        expect(await readlink(join(root, 'releases', release, path))).toBe(`${deployTo}/shared/${path}`);
      expect(await readlink(join(root, 'current'))).toBe(`${deployTo}/releases/${release}`);
    }
  });

  test('C7: rollback goes to the previous release, or to the one that is named', async () => {
    const [first] = await currents();
    const second = await deployed();
    expect(await currents()).toEqual([second, second]);
    expect(await deployed('deploy:rollback')).toBe(first);
    expect(await currents()).toEqual([first, first]);
    expect(await deployed('deploy:rollback', '--release', second)).toBe(second);
    expect(await currents()).toEqual([second, second]);
  });

  test('C8: a task that fails inside a deploy runs deploy:failed; alone it does not', async () => {
    const ran = () => readFile(join(project.dir, 'failed.txt'), 'utf8').catch(() => '');
    const fail = (...words: string[]) => project.deploy([...words, '--set', 'defects.failAt=updated']);
    expect((await fail('fail:updated')).exitCode).toBe(1);
    expect(await ran()).toBe('');
    expect((await fail('deploy')).exitCode).toBe(1);
    expect(await ran()).toBe('ran\n');
  });

  test('C6: cleanup keeps as many as it shall, what is no release, and always the one that serves, out of thousands', async () => {
    const [current] = await currents();
    const [root] = roots() as [string];
    const plant = async (names: readonly string[]) => {
      for (const name of names) {
        await mkdir(join(root, 'releases', name));
        await writeFile(join(root, 'releases', name, 'REVISION'), `${'0'.repeat(40)}\n`);
      }
    };
    const left = async () => (await readdir(join(root, 'releases'))).sort();
    const [previous] = (await left()).filter((name) => name !== current);
    const old = ['20200101000001', '20200101000002', '20200101000003'];
    await plant([...old, 'new']);
    await deployed('deploy:cleanup', '--set', 'keepReleases=3');
    expect(await left()).toEqual([old[2], previous, current, 'new']);

    await plant(['77777777777777', '77777777777778', '77777777777779']);
    await deployed('deploy:cleanup', '--set', 'keepReleases=2');
    expect(await left()).toContain(current);
    expect((await left()).filter((name) => name !== 'new')).toHaveLength(2);

    await plant(Array.from({ length: 5000 }, (_, n) => String(20190101000000 + n)));
    await deployed('deploy:cleanup', '--set', 'keepReleases=2');
    expect(await left()).toContain(current);
    expect((await left()).filter((name) => name !== 'new')).toHaveLength(2);
    expect(await currents()).toEqual([current, current]);
  });
});

const RESERVED = `export default {
  application: 'shop',
  source: { kind: 'dir', path: '.' },
  stages: { deploy: { hosts: ['a'] }, doctor: { hosts: ['a'] }, install: { hosts: ['a'] }, production: { hosts: ['a'] } },
};
`;
