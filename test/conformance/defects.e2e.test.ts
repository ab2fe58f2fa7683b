/** Defects of Capistrano that were reproduced with it (test/rivals shows them on the real one): here each is a test that its behaviour fails. */
import { mkdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CliOptions } from '../support/cli.ts';
import { expectNothingLeft, lookAt, treeOf } from '../support/host-files.ts';
import { type Deployed, type DiskHost, makeProject } from '../support/project.ts';
import { isRoot, SSHD_TOOLS, type SshdFleet, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs } from '../support/tools.ts';

type Project = Awaited<ReturnType<typeof makeProject>>;

const recipes = `[(await import('${fileURLToPath(new URL('recipes/defects.ts', import.meta.url))}')).default]`;

describe.skipIf(!needs('git', ...SSHD_TOOLS))('unlike Capistrano', () => {
  let fleet: SshdFleet;
  let project: Project;
  let count = 0;
  const made: Project[] = [];
  const makeOne = async (config: Record<string, unknown> = {}): Promise<Project> => {
    const application = `app${++count}`;
    const one = await makeProject({ fleet, application, recipes, config: { strategy: 'sftp', ...config } });
    made.push(one);
    return one;
  };
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: 3 });
    project = await makeOne();
  });
  afterAll(async () => {
    await Promise.all(made.map((one) => one.remove()));
    await fleet?.close();
  });

  const file = (host: DiskHost, path: string, one = project): Promise<string | undefined> =>
    readFile(join(host.files, one.application, path), 'utf8').catch(() => undefined);
  const files = (path: string) => Promise.all(fleet.hosts.map((host) => file(host, path)));
  const deployed = async (one: Project, words: string[] = [], options: CliOptions = {}): Promise<string> => {
    const run = await one.deploy(words, options);
    expect(run.exitCode, `${run.stderr}${JSON.stringify(run.summary)}`).toBe(0);
    return run.summary.release!;
  };
  const hosts = (one: Project) => Promise.all(one.hosts.map((host) => lookAt(host, one.application)));
  const currents = async (one: Project) => (await hosts(one)).map(({ current }) => current);
  const failedRuns = async (one: Project) =>
    ((await readFile(join(one.dir, 'failed.txt'), 'utf8').catch(() => '')).match(/ran/g) ?? []).length;

  test.each(['execute', 'capture', 'test'])(
    'a command that is killed by a signal counts as success: %s',
    async (word) => {
      const { exitCode, summary } = await project.deploy([`signal:${word}`]);
      expect(exitCode).toBe(1);
      for (const { error } of summary.hosts) expect(error).toMatchObject({ code: 'signal', signal: 'SIGKILL' });
      expect(await files('went-on')).toEqual([undefined, undefined, undefined]);
    },
  );

  test('commands outlive a run in which another host failed', async () => {
    const { exitCode, summary } = await project.deploy(['slow']);
    const [first, ...others] = await files('finished');
    expect([exitCode, first, ...others]).toEqual([1, undefined, '', '']);
    for (const host of fleet.hosts) expect(host.processes()).toEqual([]);
    expect(summary.hosts.map(({ status }) => status)).toEqual(['failed', 'unchanged', 'unchanged']);
  });

  test('commands outlive a run that was interrupted', async () => {
    const run = project.start(['endless']);
    await run.seen(/(?:command-start[\s\S]*?){3}/);
    run.signal('SIGINT');
    expect((await run.result).exitCode).toBe(130);
    for (const host of fleet.hosts) expect(await host.quiet(500), host.name).toEqual([]);
  });

  test('all but the first failing host are lost, in pages of Ruby', async () => {
    const { exitCode, stdout, stderr } = await project.run(['production', 'fail:differently']);
    expect(exitCode).toBe(1);
    for (const [index, { address }] of fleet.hosts.entries()) {
      if (index === 0) expect(stderr).not.toContain(address);
      else for (const told of [`exit code ${3 + index}`, `${address} has burnt down`]) expect(stderr).toContain(told);
    }
    expect(`${stdout}${stderr}`.split('\n').length).toBeLessThan(25);
  });

  test('the output of a command tells a secret', async () => {
    const told = [await project.run(['production', 'tell:secrets', '-v']), await project.deploy(['tell:secrets'])];
    for (const { exitCode, stdout, stderr } of told) {
      expect(exitCode).toBe(0);
      expect(`${stdout}${stderr}`).not.toContain('hunter2');
      expect(stdout).toContain('[secret]');
    }
  });

  test('a task is invoked once only; a command that reads stdin hangs; within, with and umask are forgotten where a program has a space', async () => {
    const { exitCode } = await project.deploy(['invoke:twice', 'read:stdin', 'surround'], { timeout: 20_000 });
    expect(exitCode).toBe(0);
    expect(await files('count')).toEqual(fleet.hosts.map(() => 'once more\nonce more\n'));
    expect(await files('surrounded')).toEqual(
      fleet.hosts.map((host) => {
        const around = `${host.deployTo(project.application)} a "b" $c 0027`;
        return `${around} two  words\n${around} shell\n`;
      }),
    );
  });

  test('a filter that matches nothing does nothing, and is content', async () => {
    for (const words of [
      ['-z', 'nowhere*'],
      ['-r', 'nobody'],
    ]) {
      const { exitCode, stderr } = await project.run(['production', 'count', ...words]);
      expect(exitCode).toBe(2);
      expect(stderr).toContain('matches no host');
    }
  });

  test('a branch that does not exist leaves an empty release that counts', async () => {
    const before = await Promise.all(fleet.hosts.map((host) => treeOf(host, project.application)));
    const { exitCode, stderr } = await project.run(['production', 'deploy', '--branch', 'nowhere']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('nowhere');
    expect(await Promise.all(fleet.hosts.map((host) => treeOf(host, project.application)))).toEqual(before);
  });

  test('mixed code under one revision, where somebody pushes meanwhile; revisions.log is written by a shell', async () => {
    const one = await makeOne();
    const revision = (await one.git('rev-parse', 'HEAD')).trim();
    const by = `al"ice $(id) \`id\``;
    const release = await deployed(one, ['--set', 'defects.failAt=push'], { env: { USER: by } });
    expect(await one.git('show', 'main:index.html')).toBe('new\n');
    for (const host of fleet.hosts) {
      expect(await file(host, 'current/../index.html', one)).toBeUndefined();
      expect(await file(host, `releases/${release}/index.html`, one)).toBe('hello\n');
      expect(await file(host, `releases/${release}/REVISION`, one)).toBe(`${revision}\n`);
      expect((await lookAt(host, one.application)).log).toEqual([
        `Branch main (at ${revision}) deployed as release ${release} by ${by}`,
      ]);
    }
  });

  test('a stale releases/current publishes the old release; a current that is a directory leaves the fleet half switched', async () => {
    const one = await makeOne();
    const first = await deployed(one);
    const [a, b, c] = one.hosts.map((host) => join(host.files, one.application)) as [string, string, string];
    await symlink(`${one.hosts[0]!.deployTo(one.application)}/releases/${first}`, join(a, 'releases/current'));
    await symlink('/var/www/nowhere', join(b, 'releases/current'));
    const second = await deployed(one);
    expect(await currents(one)).toEqual([second, second, second]);
    await rm(join(c, 'current'));
    await mkdir(join(c, 'current'));
    const refused = await one.deploy();
    expect(refused.exitCode).toBe(1);
    expect(refused.of(one.hosts[2]!).error?.message).toContain('is a directory or file, not a link');
    expect((await currents(one)).slice(0, 2)).toEqual([second, second]);
    for (const { releases } of await hosts(one))
      expect(releases.filter((name) => name !== 'current')).toEqual([first, second]);
  });

  test('two deploys in one second share a release and both switch hosts', async () => {
    const one = await makeOne();
    const runs = await Promise.all([one.deploy(), one.deploy()]);
    const codes = runs.map(({ exitCode }) => exitCode);
    expect([
      [0, 0],
      [0, 4],
    ]).toContainEqual([...codes].sort());
    const releases = runs.flatMap(({ exitCode, summary }) => (exitCode === 0 ? [summary.release!] : [])).sort();
    expect(new Set(releases).size).toBe(releases.length);
    for (const found of await hosts(one)) expect(found).toMatchObject({ current: releases.at(-1), releases });
    await expectNothingLeft(one);

    const tomorrow = `${new Date(Date.now() + 86_400_000).toISOString().slice(0, 10).replaceAll('-', '')}120000`;
    await mkdir(join(one.hosts[1]!.files, one.application, 'releases', tomorrow)); // of a deployer whose clock is fast
    expect((await deployed(one)) > tomorrow).toBe(true);
  });

  test('failed releases push out good ones; a rollback after a failed deploy rolls back nothing, goes by the times of files and deletes; the failed hook does not run', async () => {
    const one = await makeOne({ keepReleases: 3 });
    const fail = async (at: string, ...words: string[]) => {
      const run = await one.deploy([...words, '--set', `defects.failAt=${at}`]);
      expect(run.exitCode, run.stderr).toBe(1);
      return run;
    };
    const [first, second] = [await deployed(one), await deployed(one)];
    await fail('updated');
    const third = await deployed(one);
    for (const { releases } of await hosts(one)) expect(releases).toEqual([first, second, third]);

    await fail('updated');
    expect(await failedRuns(one)).toBe(2);
    const later = new Date(Date.now() + 60_000);
    await utimes(join(one.hosts[0]!.files, one.application, 'releases', first), later, later);
    const planned = await one.deploy(['deploy:rollback', '-n']);
    expect(planned.exitCode, 'a dry run of a rollback').toBe(0);
    expect(await deployed(one, ['deploy:rollback'])).toBe(second);
    for (const found of await hosts(one))
      expect(found).toMatchObject({ current: second, releases: [first, second, third] });

    const reverted = await fail('restart', 'deploy:rollback');
    expect(await failedRuns(one), 'in a rollback').toBe(3);
    expect(reverted.summary.hosts.map(({ status }) => status)).toEqual(['reverted', 'reverted', 'failed']);
    expect(await currents(one)).toEqual([second, second, second]);
    const missing = await one.deploy(['--set', 'linkedFiles=["env"]']);
    expect(missing.summary.hosts[0]!.error).toMatchObject({ code: 'check', task: 'deploy:check' });
    expect(await failedRuns(one), 'for a linked file that is missing').toBe(4);
    await expectNothingLeft(one);
  });

  test('a dry run lies, and redeploys take 39 commands and leave files on the hosts', async () => {
    const one = await makeOne({ keepReleases: 1, linkedDirs: ['log', 'tmp'], linkedFiles: ['env'] });
    for (const host of one.hosts) {
      await mkdir(join(host.files, one.application, 'shared'), { recursive: true });
      await writeFile(join(host.files, one.application, 'shared/env'), '');
    }
    for (const most of [12, 10]) {
      const before = await Promise.all(one.hosts.map((host) => treeOf(host, one.application)));
      const dry = await one.deploy(['-n']);
      expect(dry.exitCode, dry.stderr).toBe(0);
      expect(await Promise.all(one.hosts.map((host) => treeOf(host, one.application)))).toEqual(before);
      const real = await one.deploy();
      expect(real.exitCode, real.stderr).toBe(0);
      for (const host of one.hosts) {
        const done = commandsOf(real, host, 'command-start');
        expect(commandsOf(dry, host, 'command-planned')).toEqual(done);
        expect(done.filter((line) => line.includes('/tmp/'))).toEqual([]);
        expect(done.filter((line) => !line.startsWith('deploy:distribute')).length).toBeLessThanOrEqual(most);
      }
    }
    await expectNothingLeft(one);
    const [host] = one.hosts;
    if (isRoot()) expect((await fleet.ssh(host!, 'ls -A')).stdout, 'in the home directory').toBe('');
  });

  test('one host that is down stops the deploy of all others', async () => {
    const one = await makeOne();
    const [, , down] = one.hosts;
    await fleet.stop(down!);
    try {
      const refused = await one.deploy();
      expect(refused.exitCode).toBe(5);
      expect(await currents(one)).toEqual([undefined, undefined, undefined]);
      const { exitCode, summary } = await one.deploy(['--max-failures', '1']);
      expect(exitCode).not.toBe(0);
      expect(await currents(one)).toEqual([summary.release, summary.release, undefined]);
      expect(summary.hosts.map(({ status }) => status)).toEqual(['published', 'published', 'failed']);
    } finally {
      await fleet.start(down!);
    }
  });
});

/** What a run did, or would do, on a host, with its task; the release has another name in every run. */
const commandsOf = (
  { events, summary }: Deployed,
  host: DiskHost,
  type: 'command-start' | 'command-planned',
): string[] =>
  events.flatMap((event) =>
    event.type === type && event.host === host.address
      ? [`${event.task}: ${event.text.replaceAll(summary.release!, '<release>')}`]
      : [],
  );
