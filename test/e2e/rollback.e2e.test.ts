import { mkdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectNothingLeft, lookAt } from '../support/host-files.ts';
import { makeProject } from '../support/project.ts';
import { SSHD_TOOLS, type SshdFleet, type SshdHost, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs } from '../support/tools.ts';

type Project = Awaited<ReturnType<typeof makeProject>>;

describe.skipIf(!needs('git', ...SSHD_TOOLS))('releases on two hosts', () => {
  let fleet: SshdFleet;
  let count = 0;
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: 2 });
  });
  afterAll(() => fleet?.close());

  const withProject = async (work: (project: Project) => Promise<void>, config: Record<string, unknown> = {}) => {
    const application = `app${++count}`;
    const project = await makeProject({ fleet, application, config: { strategy: 'sftp', ...config } });
    try {
      await work(project);
      await expectNothingLeft(project);
    } finally {
      await project.remove();
    }
  };

  const deploy = async (project: Project, ...words: string[]): Promise<string> => {
    const run = await project.deploy(words, { env: { USER: 'alice' } });
    expect(run.exitCode, `${run.stderr}${JSON.stringify(run.summary)}`).toBe(0);
    return run.summary.release!;
  };

  const currents = (project: Project) =>
    Promise.all(project.hosts.map(async (host) => (await lookAt(host, project.application)).current));

  test('a rollback goes one back, and another one further, until there is none', async () => {
    await withProject(async (project) => {
      const [first, second, third] = [await deploy(project), await deploy(project), await deploy(project)];
      expect(await deploy(project, 'deploy:rollback')).toBe(second);
      expect(await currents(project)).toEqual([second, second]);
      expect(await deploy(project, 'deploy:rollback')).toBe(first);
      expect(await currents(project)).toEqual([first, first]);
      const refused = await project.deploy(['deploy:rollback']);
      expect(refused).toMatchObject({ exitCode: 1 });
      expect(refused.summary.error?.message).toMatch(/no release older than \d{14} has been published on all/);
      for (const host of project.hosts) {
        const { current, releases, log } = await lookAt(host, project.application);
        expect({ current, releases }).toEqual({ current: first, releases: [first, second, third] });
        expect(log.slice(3)).toEqual([
          `alice rolled back to release ${second}`,
          `alice rolled back to release ${first}`,
        ]);
      }
    });
  });

  test('--release names the release to go to, in either direction; one that is not there is refused', async () => {
    await withProject(async (project) => {
      const [first, second] = [await deploy(project), await deploy(project)];
      expect(await deploy(project, 'deploy:rollback', '--release', first)).toBe(first);
      expect(await deploy(project, 'deploy:rollback', '--release', second)).toBe(second);
      const refused = await project.deploy(['deploy:rollback', '--release', '20200101000000']);
      expect(refused).toMatchObject({ exitCode: 1 });
      expect(refused.summary.error?.message).toContain('20200101000000 has not been published on');
      expect(await currents(project)).toEqual([second, second]);
    });
  });

  test('without any release, and with one alone, a rollback says that there is none', async () => {
    await withProject(async (project) => {
      const none = await project.deploy(['deploy:rollback']);
      expect(none.exitCode).toBe(1);
      expect(none.summary.error?.message).toContain('there is nothing to roll back');
      const only = await deploy(project);
      expect((await project.deploy(['deploy:rollback'])).exitCode).toBe(1);
      expect(await currents(project)).toEqual([only, only]);
    });
  });

  test('after a deploy that failed it goes to the release before the one that serves, whatever the times of files say', async () => {
    await withProject(async (project) => {
      const [first, second] = [await deploy(project), await deploy(project)];
      const failing = `[defineRecipe({ name: 'f', tasks: [task('f', 'F', ({ on, hosts }) =>
        on(hosts.slice(1), ({ run }) => run(['false'])))], after: { 'deploy:updated': 'f' } })]`;
      await project.configure({ config: { strategy: 'sftp' }, recipes: failing });
      const failed = await project.deploy();
      expect(failed.exitCode).toBe(1);
      expect(await currents(project)).toEqual([second, second]);
      await expectNothingLeft(project);
      for (const host of project.hosts) {
        const now = new Date(Date.now() + 60_000);
        await utimes(join(host.files, project.application, 'releases', first), now, now);
      }
      expect(await deploy(project, 'deploy:rollback')).toBe(first);
    });
  });

  test('on hosts that differ it goes to the newest release that all of them have', async () => {
    await withProject(async (project) => {
      const first = await deploy(project);
      const second = await deploy(project, '-z', fleet.hosts[0]!.address);
      const third = await deploy(project);
      expect(await currents(project)).toEqual([third, third]);
      expect((await lookAt(fleet.hosts[1]!, project.application)).releases).not.toContain(second);
      expect(await deploy(project, 'deploy:rollback')).toBe(first);
      expect(await currents(project)).toEqual([first, first]);
    });
  });

  test('unfinished releases do not count and go; those of Capistrano count and stay as others do', async () => {
    await withProject(
      async (project) => {
        await Promise.all(project.hosts.map((host) => madeByCapistrano(host, project.application)));
        const first = await deploy(project);
        for (const host of project.hosts) {
          const root = join(host.files, project.application);
          await mkdir(join(root, 'releases/20250101000000'));
          await writeFile(join(root, '.rookery/releases/20250101000000'), 'building\tx\tbob\t2025-01-01T00:00:00Z\n');
        }
        expect(await deploy(project, 'deploy:rollback')).toBe('20240202000000');
        const log = await readFile(join(fleet.hosts[0]!.files, project.application, 'revisions.log'), 'utf8');
        expect(log.split('\n')[0]).toContain('by capistrano');
        const second = await deploy(project);
        for (const host of project.hosts) {
          const { current, releases } = await lookAt(host, project.application);
          expect({ current, releases }).toEqual({ current: second, releases: ['20240202000000', first, second] });
          await rm(join(host.files, project.application, 'releases/20240202000000'), { recursive: true }); // it has no record of ours
        }
      },
      { keepReleases: 3 },
    );
  });

  test('cleanup alone removes what is too old, and never the release that serves', async () => {
    await withProject(async (project) => {
      const [first, second, third] = [await deploy(project), await deploy(project), await deploy(project)];
      await deploy(project, 'deploy:rollback', '--release', first);
      await deploy(project, 'deploy:cleanup', '--set', 'keepReleases=2');
      for (const host of project.hosts) {
        expect(await lookAt(host, project.application)).toMatchObject({ current: first, releases: [first, third] });
      }
      expect([first, second, third]).toEqual([first, second, third].sort());
    });
  });

  test('`releases` lists them, the current one marked, for people and for programs', async () => {
    await withProject(async (project) => {
      const [first, second] = [await deploy(project), await deploy(project)];
      const revision = (await project.git('rev-parse', 'HEAD')).trim();
      const { events, exitCode } = await project.deploy(['releases']);
      expect(exitCode).toBe(0);
      const listed = events.filter((event) => event.type === 'host-releases');
      expect(listed.map(({ host }) => host).sort()).toEqual(project.hosts.map(({ address }) => address));
      for (const { releases } of listed) {
        expect(releases).toMatchObject([
          { name: first, current: false, state: 'published', revision, by: 'alice' },
          { name: second, current: true, state: 'published', revision, by: 'alice' },
        ]);
      }
      const { stdout } = await project.run(['production', 'releases']);
      for (const { address } of project.hosts) {
        const rows = stdout.split('\n').filter((line) => line.includes(address) && line.includes('20'));
        expect(rows.filter((row) => row.includes(second) && row.includes('*') && row.includes('alice'))).toHaveLength(
          1,
        );
        expect(rows.filter((row) => row.includes(first) && !row.includes('*'))).toHaveLength(1);
      }
    });
  });
});

/** A host as Capistrano 3.17 leaves it: two releases, the second one current. */
const madeByCapistrano = async (host: SshdHost, application: string): Promise<void> => {
  const root = join(host.files, application);
  for (const name of ['20240101000000', '20240202000000']) {
    await mkdir(join(root, 'releases', name), { recursive: true });
    await writeFile(join(root, 'releases', name, 'REVISION'), `${name.slice(0, 8).padEnd(40, '0')}\n`);
  }
  await symlink(`${host.deployTo(application)}/releases/20240202000000`, join(root, 'current'));
  await mkdir(join(root, 'shared'));
  await writeFile(
    join(root, 'revisions.log'),
    'Branch main (at 1234567) deployed as release 20240202000000 by capistrano\n',
  );
};
