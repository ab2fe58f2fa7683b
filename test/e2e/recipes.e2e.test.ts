import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectNothingLeft, lookAt } from '../support/host-files.ts';
import { type ConfigOptions, type DiskHost, makeProject } from '../support/project.ts';
import { SSHD_TOOLS, type SshdFleet, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs } from '../support/tools.ts';

type Project = Awaited<ReturnType<typeof makeProject>>;

/** A task that writes its name and what `current` is into a file of the host's. */
const noting = (name: string, roles?: string) =>
  `task('${name}', 'Note ${name}', { ${roles ?? ''} run: ({ on, hosts }) => on(hosts, ({ host, run }) =>
    run(sh\`echo ${name} "$(basename "$(readlink \${host.deployTo}/current)")" >> \${host.deployTo}/shared/notes\`)) })`;

describe.skipIf(!needs('git', ...SSHD_TOOLS))('recipes on hosts of different roles', () => {
  let fleet: SshdFleet;
  let count = 0;
  const roles = [['app', 'db'], ['app'], ['web']];
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: 3 });
  });
  afterAll(() => fleet?.close());

  const withProject = async (options: ConfigOptions, work: (project: Project) => Promise<void>) => {
    const application = `app${++count}`;
    const config = { strategy: 'sftp', ...options.config };
    const host = (index: number) => ({ roles: roles[index], primary: index === 0 });
    const project = await makeProject({ fleet, application, host, ...options, config });
    try {
      await work(project);
      await expectNothingLeft(project);
    } finally {
      await project.remove();
    }
  };

  const notes = async (project: Project, host: DiskHost): Promise<string[]> => {
    const text = await readFile(join(host.files, project.application, 'shared/notes'), 'utf8').catch(() => '');
    return text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  };

  test('hooks run before and after their tasks, in order, on the hosts of their roles', async () => {
    const recipes = `[defineRecipe({
      name: 'mine',
      tasks: [${noting('first')}, ${noting('second')}, ${noting('migrate', "roles: ['db'],")}, ${noting('warm', "roles: ['app', 'web'],")}],
      before: { 'deploy:symlink:release': ['first', 'second'] },
      after: { 'deploy:symlink:shared': 'migrate', 'deploy:symlink:release': 'warm' },
    })]`;
    await withProject({ recipes }, async (project) => {
      const run = await project.deploy();
      expect(run.exitCode).toBe(0);
      const { release } = run.summary;
      const [db, app, web] = fleet.hosts as unknown as [DiskHost, DiskHost, DiskHost];
      expect(await notes(project, db)).toEqual(['migrate', 'first', 'second', `warm ${release}`]);
      expect(await notes(project, app)).toEqual(['first', 'second', `warm ${release}`]);
      expect(await notes(project, web)).toEqual(['first', 'second', `warm ${release}`]);
    });
  });

  test('a task of the same name takes the place of the standard one', async () => {
    const recipes = `[defineRecipe({ name: 'mine', tasks: [${noting('deploy:cleanup')}] })]`;
    await withProject({ recipes, config: { keepReleases: 1 } }, async (project) => {
      expect((await project.deploy()).exitCode).toBe(0);
      expect((await project.deploy()).exitCode).toBe(0);
      for (const host of fleet.hosts) {
        expect((await lookAt(host, project.application)).releases).toHaveLength(2); // nothing cleans up any more
        expect(await notes(project, host)).toHaveLength(2);
      }
    });
  });

  test('a task of a recipe can be run by its name, alone and with others', async () => {
    const recipes = `[defineRecipe({ name: 'mine', tasks: [${noting('one')}, ${noting('two')}] })]`;
    await withProject({ recipes }, async (project) => {
      expect((await project.deploy()).exitCode).toBe(0);
      const { summary } = await project.deploy(['two', 'one', '-r', 'web']);
      expect(summary).toMatchObject({ exitCode: 0, task: 'two one' });
      const { release } = (await project.deploy(['one'])).summary;
      expect(release).toBeUndefined();
      expect((await notes(project, fleet.hosts[2]!)).map((line) => line.split(' ')[0])).toEqual(['two', 'one', 'one']);
      expect(await notes(project, fleet.hosts[0]!)).toHaveLength(1);
      expect(await project.run(['production', 'three'])).toMatchObject({ exitCode: 2 });
    });
  });

  test('restart runs in the new release, and in the old one when a deploy or a restart is undone', async () => {
    const recipes = `[restart('echo "$(basename "$(pwd -P)")" >> ../../shared/notes; test ! -e broken', { roles: ['app'] })]`;
    await withProject({ recipes }, async (project) => {
      const first = (await project.deploy()).summary.release!;
      await project.commit({ broken: '' });
      const failed = await project.deploy();
      const second = failed.summary.release!;
      expect(failed.exitCode).toBe(1);
      const [db, app, web] = fleet.hosts as unknown as [DiskHost, DiskHost, DiskHost];
      expect(await notes(project, db)).toEqual([first, second, first]);
      expect(await notes(project, app)).toEqual([first, second, first]);
      expect(await notes(project, web)).toEqual([]);
      for (const host of fleet.hosts)
        expect(await lookAt(host, project.application)).toMatchObject({ current: first, releases: [first] });
      expect(failed.summary.hosts.map(({ status }) => status)).toEqual(['failed', 'failed', 'reverted']);
    });
  });

  test('a mistake in a recipe is told with its task, and undone as any failure', async () => {
    const recipes = `[defineRecipe({ name: 'mine', tasks: [task('typo', 'Typo', ({ on, hosts }) =>
      on(hosts, async () => { (undefined as any).x; }))], after: { 'deploy:published': 'typo' } })]`;
    await withProject({ recipes }, async (project) => {
      const run = await project.deploy();
      expect(run.exitCode).toBe(1);
      expect(run.summary.hosts[0]!.error).toMatchObject({ code: 'bug', task: 'typo' });
      for (const host of fleet.hosts)
        expect(await lookAt(host, project.application)).toMatchObject({ current: undefined, releases: [] });
    });
  });
});

describe.skipIf(!needs('git', ...SSHD_TOOLS))('hosts as they can be written', () => {
  let fleet: SshdFleet;
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: 3 });
  });
  afterAll(() => fleet?.close());

  test('texts with user and port, ranges, objects with a key of their own: all are the same hosts', async () => {
    const [one] = fleet.hosts;
    const { port, address } = one!;
    const net = address.slice(0, address.lastIndexOf('.'));
    const { user, identityFile, knownHostsFile } = fleet;
    const forms: [Record<string, unknown>, unknown[]][] = [
      [{ user, port, identityFile, knownHostsFile }, [`${net}.[1:3]`]],
      [{ user: 'nobody', identityFile, knownHostsFile }, [1, 2, 3].map((host) => `${user}@${net}.${host}:${port}`)],
      [
        { user: 'nobody', port: 1, identityFile: '/nowhere', knownHostsFile: '/nowhere' },
        [1, 2, 3].map((host) => ({
          host: `${net}.${host}`,
          user,
          port,
          identityFile,
          knownHostsFile: [knownHostsFile],
        })),
      ],
      [
        { user, port, identityFile, knownHostsFile },
        [{ host: `${net}.[1:2]`, roles: ['web'] }, `${net}.3`, `${net}.3`],
      ],
    ];
    const project = await makeProject({ fleet });
    try {
      for (const [ssh, hosts] of forms) {
        await project.configure({ config: { ssh, stages: { production: { hosts } } } });
        const { summary } = await project.deploy(['run', '--', 'echo $SSH_CONNECTION']);
        expect(summary).toMatchObject({ exitCode: 0 });
        expect(summary.hosts.map(({ host }) => host)).toEqual(fleet.hosts.map((host) => host.address));
      }
    } finally {
      await project.remove();
    }
  });
});
