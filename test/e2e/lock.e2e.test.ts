import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Gate, makeGate } from '../support/gate.ts';
import { expectNothingLeft, lookAt, type Tree, treeOf } from '../support/host-files.ts';
import { type Deployed, makeProject, type Project, type ProjectOptions } from '../support/project.ts';
import { SSHD_TOOLS, type SshdFleet, type SshdHost, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs } from '../support/tools.ts';

const hasTools = needs(...SSHD_TOOLS, 'git', 'mkfifo');
const alice = { env: { USER: 'alice' } };
const bob = { env: { USER: 'bob' } };

describe.skipIf(!hasTools)('one deploy at a time', () => {
  let fleet: SshdFleet;
  let hosts: readonly SshdHost[];
  let project: Project;
  let number = 0;
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: 3 });
    hosts = fleet.hosts;
  });
  afterAll(() => fleet?.close());
  afterEach(() => project?.remove());

  const newProject = async (options: Omit<ProjectOptions, 'fleet'> = {}) => {
    number += 1;
    project = await makeProject({ fleet, application: `app${number}`, ...options });
  };
  const trees = (): Promise<Tree[]> => Promise.all(hosts.map((host) => treeOf(host, project.application)));
  const lockFile = (host: SshdHost) => join(host.files, project.application, '.rookery/lock');
  const expectDone = ({ exitCode, summary }: Deployed): string => {
    expect(
      summary.hosts.map(({ error }) => error),
      summary.error?.message,
    ).toEqual(hosts.map(() => undefined));
    expect(exitCode).toBe(0);
    return summary.release ?? '';
  };
  const leaveLock = async (host: SshdHost, text: string) => {
    await mkdir(join(lockFile(host), '..'), { recursive: true });
    await writeFile(lockFile(host), text);
  };
  const carol = { by: 'carol', machine: 'laptop', at: '2026-11-20T08:15:30.000Z', task: 'deploy', id: '1-2' };

  test('a second deploy ends with 4 and tells who holds the lock and since when; the first one ends unharmed', async () => {
    await newProject();
    const gate: Gate = await makeGate(join(project.dir, '.git/gate'));
    await project.configure({ config: { build: `cat ${gate.path}` } });
    const first = project.start([], alice);
    await gate.reached(first.result);
    const locks = await Promise.all(hosts.map((host) => readFile(lockFile(host), 'utf8')));
    const since = (JSON.parse(locks[0] ?? '') as { at: string }).at.slice(0, 19).replace('T', ' ');

    const before = await trees();
    const second = await project.deploy([], bob);
    expect(second.exitCode).toBe(4);
    expect(second.summary).toMatchObject({ ok: false, exitCode: 4 });
    const held = second.summary.hosts.flatMap(({ error }) => error ?? []);
    expect(held).toContainEqual(expect.objectContaining({ code: 'locked', task: 'deploy:lock' }));
    for (const words of ['alice', hostname(), since, 'deploy']) expect(held[0]?.message).toContain(words);
    const plain = await project.run(['production', '--format', 'plain'], bob);
    expect(plain.exitCode).toBe(4);
    expect(plain.stdout + plain.stderr).toMatch(new RegExp(`alice.*${hostname()}.*${since}`, 's'));
    expect(await trees()).toEqual(before);

    await gate.pass();
    const release = expectDone(await first.deployed);
    for (const host of hosts)
      expect(await lookAt(host, project.application)).toMatchObject({
        ...{ current: release, releases: [release], log: [expect.stringContaining('by alice')] },
      });
    await expectNothingLeft(project);
  });

  test('of two deploys that begin at the same moment one goes through and the other ends with 4', async () => {
    await newProject();
    const gate: Gate = await makeGate(join(project.dir, '.git/gate'));
    await project.configure({ config: { build: `cat ${gate.path}` } });
    const both = [project.start([], alice), project.start([], bob)];
    await gate.reached(Promise.all(both.map((cli) => cli.result)));
    const refused = await Promise.race(both.map((cli) => cli.deployed));
    expect(refused.exitCode).toBe(4);
    await gate.pass();
    const [one, other] = await Promise.all(both.map((cli) => cli.deployed));
    const release = expectDone(one === refused ? other! : one!);
    for (const host of hosts)
      expect(await lookAt(host, project.application)).toMatchObject({ current: release, releases: [release] });
    await expectNothingLeft(project);
  });

  test('tasks that change nothing need no lock', async () => {
    await newProject();
    expectDone(await project.deploy());
    for (const host of hosts) await leaveLock(host, `${JSON.stringify(carol)}\n`);
    for (const words of [['releases'], ['run', '--', 'true'], ['deploy:check']]) {
      const { exitCode } = await project.run(['production', ...words]);
      expect(exitCode, words.join(' ')).toBe(0);
    }
    expect((await project.deploy(['deploy:rollback'])).exitCode).toBe(4);
  });

  test('a lock that nobody holds any more: deploy:unlock tells whose it was, and the next deploy goes through', async () => {
    await newProject();
    await leaveLock(hosts[1]!, `${JSON.stringify(carol)}\n`);
    await leaveLock(hosts[2]!, 'half a li');
    const refused = await project.deploy();
    expect(refused.exitCode).toBe(4);
    expect(refused.of(hosts[1]!).error?.message).toMatch(/carol on laptop since 2026-11-20 08:15:30 UTC/);
    expect(refused.of(hosts[2]!).error?.message).toMatch(/somebody unknown/);
    expect(refused.of(hosts[0]!).error).toBeUndefined();
    expect(await readFile(lockFile(hosts[2]!), 'utf8')).toBe('half a li');

    const unlocked = await project.deploy(['deploy:unlock']);
    expect(unlocked.exitCode).toBe(0);
    const said = unlocked.events.flatMap((event) => (event.type === 'notice' ? [[event.host, event.message]] : []));
    expect(said).toContainEqual([hosts[1]?.address, expect.stringMatching(/carol on laptop since 2026-11-20/)]);
    expect(said).toContainEqual([hosts[2]?.address, expect.stringMatching(/somebody unknown/)]);
    expect(said).toHaveLength(2);
    expectDone(await project.deploy());
    await expectNothingLeft(project);
  });

  describe.each(['torrent', 'sftp'] as const)(
    'a deployer that is killed while the release travels by %s',
    (strategy) => {
      test('leaves nothing: peers end, the unpublished release and the lock vanish, the next deploy goes through', async () => {
        await newProject({ config: { strategy } });
        const old = expectDone(await project.deploy());
        const before = await trees();
        await project.commit({ large: randomBytes(40_000_000) });
        const cli = project.start();
        await cli.seen(/"transfer-progress",[^\n]*"bytes":[1-9]/);
        cli.signal('SIGKILL');
        const { signal, stdout } = await cli.result;
        expect([signal, stdout.includes('transfer-end')]).toEqual(['SIGKILL', false]);
        for (const host of hosts) {
          expect(await host.quiet(15_000), `processes on ${host.name}`).toEqual([]);
          expect(host.listeningPorts()).toEqual([]);
        }
        expect(await trees()).toEqual(before);

        const next = expectDone(await project.deploy());
        for (const host of hosts) expect((await lookAt(host, project.application)).releases).toEqual([old, next]);
      });
    },
  );

  test('a deployer that is killed after unpacking leaves no release, and none that serves is touched', async () => {
    await newProject();
    const gate: Gate = await makeGate(join(project.dir, '.git/gate'));
    const old = expectDone(await project.deploy());
    const before = await trees();
    const waiting = `task('wait', 'Wait', { run: ({ on, hosts }) => on(hosts.slice(0, 1), ({ run }) => run(['cat', '${gate.path}'])) })`;
    await project.configure({
      recipes: `[defineRecipe({ name: 'wait', tasks: [${waiting}], before: { 'deploy:publishing': 'wait' } })]`,
    });
    const cli = project.start();
    await gate.reached(cli.result);
    for (const host of hosts) expect((await lookAt(host, project.application)).releases).toHaveLength(2);
    cli.signal('SIGKILL');
    await cli.result;
    await gate.pass();
    for (const host of hosts) expect(await host.quiet(15_000)).toEqual([]);
    expect(await trees()).toEqual(before);
    for (const host of hosts) expect((await lookAt(host, project.application)).current).toBe(old);
  });

  test('a deployer that is killed after the switch leaves the release that serves, and no lock', async () => {
    await newProject();
    const old = expectDone(await project.deploy());
    const gate: Gate = await makeGate(join(project.dir, '.git/gate'));
    await writeFile(join(hosts[0]!.files, project.application, 'shared/hold'), '');
    await project.configure({ recipes: `[restart('test ! -e ../../shared/hold || cat ${gate.path}')]` });
    const cli = project.start();
    await gate.reached(cli.result);
    cli.signal('SIGKILL');
    await cli.result;
    await gate.pass();
    for (const host of hosts) {
      expect(await host.quiet(15_000)).toEqual([]);
      const { current, releases, strays } = await lookAt(host, project.application);
      expect([releases, strays]).toEqual([[old, current], []]);
    }
    await project.configure({});
    expectDone(await project.deploy());
  });

  test('two deploys within one second make two releases, in order', async () => {
    await newProject();
    const first = expectDone(await project.deploy());
    const second = expectDone(await project.deploy());
    const soon = new Date(Date.now() + 60_000).toISOString().replace(/\D/g, '').slice(0, 14);
    expect(await renameNewest(second, soon)).toBe(soon);
    const third = expectDone(await project.deploy());
    expect(first < second && second < soon && soon < third).toBe(true);
    for (const host of hosts)
      expect(await lookAt(host, project.application)).toMatchObject({ current: third, releases: [first, soon, third] });
    await expectNothingLeft(project);
  });

  /** Gives the newest release a name that the next deploy would choose, had it begun in the very same second. */
  const renameNewest = async (name: string, as: string): Promise<string> => {
    for (const host of hosts) {
      const root = host.deployTo(project.application);
      const script = `cd ${root} && mv releases/${name} releases/${as} && mv .rookery/releases/${name} .rookery/releases/${as} && rm current && ln -s ${root}/releases/${as} current`;
      await fleet.ssh(host, script);
    }
    return as;
  };
});
