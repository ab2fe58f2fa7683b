import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Gate, makeGate } from '../support/gate.ts';
import { expectNothingLeft, lookAt, type Tree, treeOf } from '../support/host-files.ts';
import { makeProject, type Project, type ProjectOptions } from '../support/project.ts';
import { isRoot, SSHD_TOOLS, type SshdFleet, type SshdHost, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs } from '../support/tools.ts';

/** Notes the release that it restarts, waits at a gate where there is one, and fails or dies for the versions that the host refuses. */
const RESTART = `restart(\`
  version=$(cat version); shared=../../shared
  echo "$version" >> $shared/restarts
  if [ -e $shared/gate ]; then cat "$(cat $shared/gate)"; fi
  if grep -qsx "$version" $shared/dies-of; then kill -KILL $$; fi
  if grep -qsx "$version" $shared/refuses; then echo "version $version does not start" >&2; exit 7; fi\`)`;

describe.skipIf(!needs(...SSHD_TOOLS, 'git', 'mkfifo'))('a deploy that fails on the way', () => {
  let fleet: SshdFleet;
  let hosts: readonly SshdHost[];
  let bad: SshdHost;
  let good: readonly SshdHost[];
  let project: Project;
  let number = 0;
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: 4 });
    hosts = fleet.hosts;
    bad = hosts[2]!;
    good = hosts.filter((host) => host !== bad);
  });
  afterAll(() => fleet?.close());
  afterEach(() => project?.remove());

  /** A project of its own for every test, restarted by RESTART. */
  const newProject = async (options: Omit<ProjectOptions, 'fleet'> = {}) => {
    number += 1;
    const application = `app${number}`;
    project = await makeProject({
      fleet,
      application,
      recipes: `[${RESTART}]`,
      files: { version: 'one\n' },
      ...options,
    });
    for (const host of hosts) await mkdir(join(host.files, application, 'shared'), { recursive: true });
  };
  const reconfigure = (config: object) => project.configure({ recipes: `[${RESTART}]`, config: { ...config } });
  /** Deploys the version that is committed, which has to work, and resolves to the release's name. */
  const deployWell = async (): Promise<string> => {
    const { exitCode, summary } = await project.deploy();
    expect(
      summary.hosts.map(({ error }) => error),
      summary.error?.message,
    ).toEqual(hosts.map(() => undefined));
    expect(exitCode).toBe(0);
    return summary.release ?? '';
  };
  const trees = (of: readonly SshdHost[] = hosts): Promise<Tree[]> =>
    Promise.all(of.map((host) => treeOf(host, project.application)));
  const inShared = (host: SshdHost, name: string) => join(host.files, project.application, 'shared', name);
  const restarts = async (host: SshdHost) => (await readFile(inShared(host, 'restarts'), 'utf8')).trim().split('\n');
  const expectServed = async (of: readonly SshdHost[], release: string | undefined) => {
    for (const host of of) expect((await lookAt(host, project.application)).current, host.name).toBe(release);
  };

  test.each([
    { how: 'with an exit code', build: 'echo compiling; echo broken >&2; exit 3', words: /exit code 3.*broken/s },
    { how: 'by a signal', build: 'echo broken; kill -KILL $$', words: /killed by SIGKILL.*broken/s },
  ])('a build that ends $how: its output is shown, no host is touched', async ({ build, words }) => {
    await newProject();
    await deployWell();
    const before = await trees();
    await reconfigure({ build });
    const run = await project.deploy();
    expect(run.exitCode).toBe(1);
    expect(run.summary.error?.message).toMatch(words);
    expect(run.summary.error?.message).toContain(build);
    expect(run.events).toContainEqual(expect.objectContaining({ type: 'local-output', command: build }));
    expect(run.summary.hosts.map(({ status, error }) => [status, error])).toEqual(
      hosts.map(() => ['unchanged', undefined]),
    );
    expect(await trees()).toEqual(before);
    await expectNothingLeft(project);
  });

  test('a restart that fails on one of four hosts: all are switched back and restarted on what they had', async () => {
    await newProject();
    const first = await deployWell();
    await writeFile(inShared(bad, 'refuses'), 'two\n');
    await project.commit({ version: 'two\n' });
    const run = await project.deploy();
    expect(run.exitCode).toBe(1);
    expect(run.of(bad)).toMatchObject({
      status: 'failed',
      error: { code: 'command', task: 'app:restart', exitCode: 7, output: 'version two does not start' },
    });
    for (const host of good) expect(run.of(host)).toMatchObject({ status: 'reverted' });
    await expectServed(hosts, first);
    for (const host of hosts) {
      expect(await restarts(host)).toEqual(['one', 'two', 'one']);
      expect(await lookAt(host, project.application)).toMatchObject({ releases: [first], log: [expect.any(String)] });
    }
    await expectNothingLeft(project);
  });

  test('the same on a first deploy: there is no `current` again, and nothing to restart', async () => {
    await newProject();
    await writeFile(inShared(bad, 'refuses'), 'one\n');
    const run = await project.deploy();
    expect(run.exitCode).toBe(1);
    expect(run.of(bad)).toMatchObject({ status: 'failed', error: { code: 'command', task: 'app:restart' } });
    for (const host of good) expect(run.of(host)).toMatchObject({ status: 'reverted' });
    for (const host of hosts) {
      expect(await lookAt(host, project.application)).toMatchObject({ current: undefined, releases: [], log: [] });
      expect(await restarts(host)).toEqual(['one']);
    }
    await expectNothingLeft(project);
  });

  test('a command that a signal ends has failed', async () => {
    await newProject();
    const first = await deployWell();
    await writeFile(inShared(bad, 'dies-of'), 'two\n');
    await project.commit({ version: 'two\n' });
    const run = await project.deploy();
    expect(run.exitCode).toBe(1);
    expect(run.of(bad)).toMatchObject({
      status: 'failed',
      error: { code: 'signal', signal: 'SIGKILL', task: 'app:restart', message: expect.stringContaining('SIGKILL') },
    });
    await expectServed(hosts, first);
    await expectNothingLeft(project);
  });

  test('a cleanup that fails on one host ends with 3: the new release serves everywhere, and every other host is tidied and logged', async () => {
    await newProject({ config: { keepReleases: 1 } });
    const first = await deployWell();
    const held = `${bad.deployTo(project.application)}/releases/${first}`;
    await fleet.ssh(bad, isRoot() ? `mount --bind ${held} ${held}` : `chmod 555 ${held}`);
    await project.commit({ version: 'two\n' });
    const run = await project.deploy();
    await fleet.ssh(bad, isRoot() ? `umount ${held}` : `chmod 755 ${held}`);
    expect(run.exitCode).toBe(3);
    expect(run.summary).toMatchObject({ ok: false, exitCode: 3 });
    expect(run.of(bad)).toMatchObject({ status: 'published', error: { task: 'deploy:cleanup' } });
    for (const host of good) expect(run.of(host)).toMatchObject({ status: 'published' });
    const release = run.summary.release;
    await expectServed(hosts, release);
    const record = join(bad.files, project.application, '.rookery/releases', first);
    expect(await readFile(record, 'utf8')).toMatch(/^failed\t/); // it may be half a release by now
    for (const host of good) {
      const { releases, log } = await lookAt(host, project.application);
      expect([releases, log.length]).toEqual([[release], 2]);
    }
    await expectNothingLeft(project, good);
  });

  describe('a host whose sshd is killed', () => {
    /** Cuts the host off until this has come. */
    const stopUntil = async <T>(moment: Promise<T>): Promise<T> => {
      await fleet.stop(bad);
      return moment.finally(() => fleet.start(bad));
    };

    test.each(['torrent', 'sftp'] as const)(
      'while the release travels by %s: its error is told, the others end clean',
      async (strategy) => {
        await newProject({ config: { strategy, swarm: { minBytes: 0 } } });
        await deployWell();
        const before = await trees();
        await project.commit({ large: randomBytes(40_000_000) });
        const cli = project.start();
        await cli.seen(new RegExp(`"transfer-progress",[^\\n]*"${bad.address}"[^\\n]*"bytes":[1-9]`));
        const run = await stopUntil(cli.deployed);
        expect(run.exitCode).toBe(1);
        expect(run.of(bad)).toMatchObject({
          status: 'failed',
          error: { code: 'connection-lost', task: 'swarm:fetch' },
        });
        expect(good.map((host) => [run.of(host).status, run.of(host).error])).toEqual(
          good.map(() => ['unchanged', undefined]),
        );
        await bad.quiet();
        expect(await trees()).toEqual(before);
        await expectNothingLeft(project);
      },
    );

    test('while it restarts: its error is told, the others are switched back at once, and it is when it is back', async () => {
      await newProject();
      const first = await deployWell();
      const gate: Gate = await makeGate(join(project.dir, '.git/gate'));
      await writeFile(inShared(bad, 'gate'), gate.path);
      await project.commit({ version: 'two\n' });
      const cli = project.start();
      await gate.reached(cli.result);
      await rm(inShared(bad, 'gate'));
      const waited = cli.seen('waiting up to').then(async () => {
        await expectServed(good, first);
        return Promise.all(good.map(restarts));
      });
      expect(await stopUntil(waited)).toEqual(good.map(() => ['one', 'two', 'one']));
      await gate.pass(); // its command is gone with its connection
      const run = await cli.deployed;
      expect(run.exitCode).toBe(1);
      expect(run.of(bad)).toMatchObject({ status: 'failed', error: { code: 'connection-lost', task: 'app:restart' } });
      for (const host of good) expect(run.of(host)).toMatchObject({ status: 'reverted' });
      expect(await restarts(bad)).toEqual(['one', 'two', 'one']);
      await expectServed(hosts, first);
      await expectNothingLeft(project);
    });
  });
});
