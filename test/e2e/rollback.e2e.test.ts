import { mkdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectNothingLeft, lookAt, treeOf } from '../support/host-files.ts';
import { makeProject } from '../support/project.ts';
import { isRoot, SSHD_TOOLS, type SshdFleet, type SshdHost, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs } from '../support/tools.ts';

type Project = Awaited<ReturnType<typeof makeProject>>;

describe.skipIf(!needs('git', ...SSHD_TOOLS))('releases on three hosts', () => {
  let fleet: SshdFleet;
  let count = 0;
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: 3 });
  });
  afterAll(() => fleet?.close());

  const withProject = async (work: (project: Project) => Promise<void>) => {
    const application = `app${++count}`;
    const project = await makeProject({ fleet, application, config: { strategy: 'sftp' } });
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

  const everywhere = (release: string) => fleet.hosts.map(() => release);
  /** The records of every host's releases, the current one marked. */
  const records = (project: Project): Promise<string[][]> =>
    Promise.all(
      project.hosts.map(async (host) => {
        const { releases, current } = await lookAt(host, project.application);
        const read = async (name: string) => {
          const file = join(host.files, project.application, '.rookery/releases', name);
          const [state] = (await readFile(file, 'utf8').catch(() => 'no record')).split('\t');
          return `${name} ${state}${name === current ? ' *' : ''}`;
        };
        return Promise.all(releases.map(read));
      }),
    );
  const trees = (project: Project) => Promise.all(project.hosts.map((host) => treeOf(host, project.application)));
  /** Refused, in such words, with exit code 1, and nothing is touched on any host. */
  const expectRefused = async (project: Project, words: RegExp, ...args: string[]) => {
    const before = await trees(project);
    const refused = await project.deploy(['deploy:rollback', ...args]);
    expect(refused.exitCode).toBe(1);
    expect(refused.summary.error?.message).toMatch(words);
    expect(await trees(project)).toEqual(before);
  };

  const currents = (project: Project) =>
    Promise.all(project.hosts.map(async (host) => (await lookAt(host, project.application)).current));

  test('a rollback goes one back, and another one further, until there is none; cleanup takes what was left', async () => {
    await withProject(async (project) => {
      const none = await project.deploy(['deploy:rollback']);
      expect(none.exitCode).toBe(1);
      expect(none.summary.error?.message).toContain('there is nothing to roll back');
      const first = await deploy(project);
      await expectRefused(project, new RegExp(`no release older than ${first} has been published on all`));
      const [second, third] = [await deploy(project), await deploy(project)];
      expect(await deploy(project, 'deploy:rollback')).toBe(second);
      expect(await currents(project)).toEqual(everywhere(second));
      expect(await deploy(project, 'deploy:rollback')).toBe(first);
      expect(await currents(project)).toEqual(everywhere(first));
      await expectRefused(project, new RegExp(`no release older than ${first} has been published on all`));
      const { stdout } = await project.run(['production', 'releases']);
      for (const host of project.hosts) {
        const { current, releases, log } = await lookAt(host, project.application);
        expect({ current, releases }).toEqual({ current: first, releases: [first, second, third] });
        expect(log.slice(3)).toEqual([
          `alice rolled back to release ${second}`,
          `alice rolled back to release ${first}`,
        ]);
        const rows = stdout.split('\n').filter((line) => line.includes(host.address) && line.includes('alice'));
        expect(rows.map((row) => row.split(/\s+/).filter((word) => /^(\*|\d{14}|current|bad)$/.test(word)))).toEqual([
          [third, 'bad'],
          [second, 'bad'],
          ['*', first, 'current'],
        ]);
      }
      await deploy(project, 'deploy:cleanup', '--set', 'keepReleases=1');
      for (const host of project.hosts)
        expect(await lookAt(host, project.application)).toMatchObject({ current: first, releases: [first] });
    });
  });

  test('--release names the release to go to, in either direction; one that is not there is refused', async () => {
    await withProject(async (project) => {
      const [first, second] = [await deploy(project), await deploy(project)];
      expect(await deploy(project, 'deploy:rollback', '--release', first)).toBe(first);
      const back = await project.deploy(['deploy:rollback', '--release', second]);
      expect(back.exitCode).toBe(0);
      const warning = expect.stringMatching(new RegExp(`had left ${second} as bad on .*it is published again`));
      expect(back.events).toContainEqual(expect.objectContaining({ type: 'notice', message: warning }));
      await expectRefused(project, /20200101000000 has not been published on/, '--release', '20200101000000');
      expect(await currents(project)).toEqual(everywhere(second));
      const revision = (await project.git('rev-parse', 'HEAD')).trim();
      const { events } = await project.deploy(['releases']);
      const listed = events.filter((event) => event.type === 'host-releases');
      expect(listed.map(({ host }) => host).sort()).toEqual(project.hosts.map(({ address }) => address));
      for (const { releases } of listed) {
        expect(releases).toMatchObject([
          { name: first, current: false, state: 'published', revision, by: 'alice' },
          { name: second, current: true, state: 'published', revision, by: 'alice' },
        ]);
      }
    });
  });

  test('from Capistrano on: whatever failed, was left or is missing somewhere, it goes to what has served, or refuses', async () => {
    await withProject(async (project) => {
      const { application, hosts } = project;
      const [a, b, c] = hosts as readonly [SshdHost, SshdHost, SshdHost];
      await Promise.all(hosts.map((host) => madeByCapistrano(host, application)));
      const made = await Promise.all(hosts.map((host) => treeOf(host, `${application}/releases`)));

      // the release that it leaves gets a record, and stays as it is, as the one that it goes to does
      expect(await deploy(project, 'deploy:rollback')).toBe(C1);
      expect(await records(project)).toEqual(
        hosts.map(() => [`${C1} no record *`, `${C2} bad`, `${EMPTY} no record`, `${C4} no record`]),
      );
      const { events } = await project.deploy(['releases']);
      for (const event of events.filter((event) => event.type === 'host-releases'))
        expect(event.releases.map(({ state }) => state)).toEqual(['foreign', 'bad', 'failed', 'foreign']);
      expect(await Promise.all(hosts.map((host) => treeOf(host, `${application}/releases`)))).toEqual(made);
      for (const host of hosts)
        expect((await lookAt(host, application)).log).toEqual([
          expect.stringContaining('by capistrano'),
          `alice rolled back to release ${C1}`,
        ]);
      await expectRefused(project, new RegExp(`no release older than ${C1}`));
      expect(await deploy(project, 'deploy:rollback', '--release', C2)).toBe(C2);

      // what Capistrano has left unfinished neither counts nor stays
      const first = await deploy(project);
      expect(await records(project)).toEqual(
        hosts.map(() => [`${C1} no record`, `${C2} published`, `${first} published *`]),
      );

      // a host that differs: it alone returns, and the others have nothing to forget
      const second = await deploy(project, '-z', c.address);
      expect(await deploy(project, 'deploy:rollback')).toBe(first);
      expect(await currents(project)).toEqual(everywhere(first));
      expect((await records(project)).map((list) => list.at(-1))).toEqual([
        ...[`${first} published *`, `${first} published *`],
        `${second} bad`,
      ]);

      // a rollback that fails on the way is undone, its records too
      await project.configure({
        config: { strategy: 'sftp' },
        recipes: failing('deploy:published', 'echo no; false', c),
      });
      const served = await trees(project);
      const failedRollback = await project.deploy(['deploy:rollback']);
      expect([failedRollback.exitCode, failedRollback.summary.hosts.map(({ status }) => status)]).toEqual([
        1,
        ['reverted', 'reverted', 'failed'],
      ]);
      expect(await trees(project)).toEqual(served);

      // a deploy that fails, and whose release cannot be removed on one host: it is no release to go to
      const hold = isRoot() ? 'mount --bind "$r" "$r"' : 'chmod 555 "$r"';
      const held = `r=${c.deployTo(application)}/releases/$(ls ${c.deployTo(application)}/releases | tail -n 1); ${hold}; false`;
      await project.configure({ config: { strategy: 'sftp' }, recipes: failing('deploy:updated', held, c) });
      const failed = await project.deploy();
      expect(failed.exitCode).toBe(1);
      const third = failed.summary.release!;
      expect((await records(project)).map((list) => list.at(-1))).toEqual([
        ...[`${first} published *`, `${first} published *`],
        `${third} failed`,
      ]);
      await fleet.ssh(c, `cd ${c.deployTo(application)}/releases && ${isRoot() ? 'umount' : 'chmod 755'} ${third}`);

      // whatever the times of directories say, it goes to what served before the release that serves
      await project.configure({ config: { strategy: 'sftp' } });
      const now = new Date(Date.now() + 60_000);
      await utimes(join(b.files, application, 'releases', C1), now, now);
      expect(await deploy(project, 'deploy:rollback')).toBe(C2);
      expect(await currents(project)).toEqual(everywhere(C2));

      // a release that a host lacks is none to go to
      await rm(join(b.files, application, 'releases', C1), { recursive: true });
      await expectRefused(project, new RegExp(`no release older than ${C2}`));
      await expectRefused(project, new RegExp(`${C1} has not been published on ${b.address};`), '--release', C1);

      // cleanup removes what is bad or failed, and keeps what is good
      const last = await deploy(project);
      expect(await records(project)).toEqual([
        [`${C1} no record`, `${C2} published`, `${last} published *`],
        [`${C2} published`, `${last} published *`],
        [`${C1} no record`, `${C2} published`, `${last} published *`],
      ]);
      for (const host of [a, c]) await rm(join(host.files, application, 'releases', C1), { recursive: true }); // it has no record of ours
    });
  });
});

const [C1, C2, EMPTY, C4] = ['20240101000000', '20240202000000', '20240303000000', '20240404000000'] as const;

/** A host as Capistrano 3.17 leaves it: two releases, the second one current, and two deploys that failed, early and late. */
const madeByCapistrano = async (host: SshdHost, application: string): Promise<void> => {
  const root = join(host.files, application);
  for (const name of [C1, C2, EMPTY, C4]) {
    await mkdir(join(root, 'releases', name), { recursive: true });
    if (name === EMPTY) continue;
    await writeFile(join(root, 'releases', name, 'REVISION'), `${name.slice(0, 8).padEnd(40, '0')}\n`);
  }
  await symlink(`${host.deployTo(application)}/releases/${C2}`, join(root, 'current'));
  await mkdir(join(root, 'shared'));
  await writeFile(join(root, 'revisions.log'), `Branch main (at 1234567) deployed as release ${C2} by capistrano\n`);
};

/** A recipe that runs a command after a task, on one host. */
const failing = (after: string, command: string, { address }: SshdHost): string =>
  `[defineRecipe({ name: 'f', tasks: [task('f', 'F', ({ on, hosts }) =>
    on(hosts.filter(({ host }) => host.name === '${address}'), ({ run }) => run(sh\`\${{ kind: 'shell', text: ${JSON.stringify(command)} }}\`)))],
    after: { '${after}': 'f' } })]`;
