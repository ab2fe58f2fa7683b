import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Gate, makeGate } from '../support/gate.ts';
import { expectNothingLeft, lookAt, type Tree, treeOf } from '../support/host-files.ts';
import { isGuard } from '../support/host-processes.ts';
import { type Deployed, makeProject, type Project, type ProjectOptions } from '../support/project.ts';
import { SSHD_TOOLS, type SshdFleet, type SshdHost, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs } from '../support/tools.ts';

const hasTools = needs(...SSHD_TOOLS, 'git', 'mkfifo');
/** A task just before the switch: on the first host a command waits at the gate. */
const waitAt = ({ path }: Gate) => `[defineRecipe({ name: 'wait', before: { 'deploy:publishing': 'wait' }, tasks: [
  task('wait', 'Wait', { run: ({ on, hosts }) => on(hosts.slice(0, 1), ({ run }) => run(['cat', '${path}'])) })] })]`;
const alice = { env: { USER: 'alice' } };
const bob = { env: { USER: 'bob' } };

describe.skipIf(!hasTools)('hosts whose profile takes what comes on stdin', () => {
  test('have a guard all the same, which waits for its turn after that', async () => {
    const greedy = {
      config: ['Match all', 'ForceCommand timeout 0.3 cat >/dev/null; exec sh -c "$SSH_ORIGINAL_COMMAND"'],
    };
    const fleet = await startSshdFleet({ hosts: [{}, greedy, greedy] });
    try {
      const project = await makeProject({ fleet, config: { strategy: 'sftp' } });
      const { exitCode, summary } = await project.deploy();
      expect(summary.hosts.map(({ error }) => error)).toEqual([undefined, undefined, undefined]);
      expect(exitCode).toBe(0);
      await expectNothingLeft(project);
      await project.remove();
    } finally {
      await fleet.close();
    }
  });
});

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
  /** Kills all that holds the lock there: what belongs to a guard, and the guard. */
  const killGuard = (host: SshdHost) => {
    for (const { pid } of host.processes().filter(isGuard)) process.kill(pid, 'SIGKILL');
  };
  /** Makes the last beat of every lock so many seconds later than now. */
  const beatAt = async (seconds: number) => {
    for (const host of hosts) {
      const text = await readFile(lockFile(host), 'utf8');
      await writeFile(lockFile(host), text.replace(/^beat \d+$/gm, `beat ${Math.floor(Date.now() / 1000) + seconds}`));
    }
  };
  const carol = { by: 'carol', machine: 'laptop', at: '2026-11-20T08:15:30.000Z', task: 'deploy', id: '1-2' };

  test('a second deploy ends with 4 and tells who holds the lock and since when; the first one ends unharmed', async () => {
    await newProject();
    const gate: Gate = await makeGate(join(project.dir, '.git/gate'));
    await project.configure({ config: { build: `cat ${gate.path}` } });
    const first = project.start([], alice);
    await gate.reached(first.result);
    const owners = () =>
      Promise.all(hosts.map(async (host) => (await readFile(lockFile(host), 'utf8')).split('\n')[0]));
    const others = async () => (await trees()).map(({ '.rookery/lock': _, ...rest }) => rest); // its guard writes to it
    const since = (JSON.parse((await owners())[0] ?? '') as { at: string }).at.slice(0, 19).replace('T', ' ');

    const before = [await owners(), await others()];
    const second = await project.deploy([], bob);
    expect(second.exitCode).toBe(4);
    expect(second.summary).toMatchObject({ ok: false, exitCode: 4 });
    const held = second.summary.hosts.flatMap(({ error }) => error ?? []);
    expect(held).toContainEqual(expect.objectContaining({ code: 'locked', task: 'deploy:lock' }));
    for (const words of ['alice', hostname(), since, 'deploy']) expect(held[0]?.message).toContain(words);
    const plain = await project.run(['production', '--format', 'plain'], bob);
    expect(plain.exitCode).toBe(4);
    expect(plain.stdout + plain.stderr).toMatch(new RegExp(`alice.*${hostname()}.*${since}.*seconds?\\s+ago`, 's'));
    expect([await owners(), await others()]).toEqual(before);

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

  test('deploy:lock locks all hosts or none, says why, and stays until deploy:unlock', async () => {
    await newProject();
    const [one, two, three] = hosts as [SshdHost, SshdHost, SshdHost];
    const why = 'it\'s the fair; "don\'t" $(touch x)';
    expectDone(await project.deploy(['deploy:lock', '-m', why], alice));
    const before = await trees();
    for (const words of [[], ['deploy:lock', '--wait-lock']]) {
      const refused = await project.deploy(words, alice);
      expect([words, refused.exitCode]).toEqual([words, 4]);
      const message = refused.of(one).error?.message ?? '';
      expect(message).toMatch(/^the lock is held by alice on \S+ since .* UTC, \d+ seconds? ago \(deploy:lock\): it's/);
      for (const text of [why, hostname(), 'stays until deploy:unlock']) expect(message).toContain(text);
      expect(message.includes('--wait-lock does not wait')).toBe(words.includes('--wait-lock'));
    }
    const dry = await project.deploy(['--dry-run'], bob);
    const told = dry.events.flatMap((event) => (event.type === 'notice' && event.level === 'warning' ? [event] : []));
    expect(dry.exitCode).toBe(0);
    expect(told.map(({ host }) => host).sort()).toEqual(hosts.map(({ address }) => address).sort());
    expect(told[0]!.message).toMatch(/^locked by alice on .*: it's the fair.*: a deploy would end here$/);
    expect(await trees()).toEqual(before);
    await project.deploy(['-z', one.address, 'deploy:unlock'], bob);
    const half = await project.run(['production', '--format', 'plain', 'deploy:lock', '-m', 'again'], bob);
    expect([half.exitCode, half.stdout]).toEqual([4, expect.stringContaining('deploy production deploy:unlock')]);
    await project.configure({ host: (index) => (index === 2 ? { port: 1 } : {}) });
    expect((await project.deploy(['-z', `!${two.address}`, 'deploy:lock'], bob)).exitCode).toBe(5);
    await project.configure({});
    expect((await lookAt(one, project.application)).strays).toEqual([]);
    const { events } = await project.deploy(['deploy:unlock'], bob);
    const said = events.flatMap((event) => (event.type === 'notice' ? [[event.host, event.message]] : []));
    const words = expect.stringMatching(/^removed the lock of alice .*: it's the fair; "don't" ..touch x.$/);
    expect(said.sort()).toEqual([two, three].map(({ address }) => [address, words]));

    // after a deploy in the same run, which holds the lock already
    expectDone(await project.deploy(['deploy', 'deploy:lock', '-m', 'later'], bob));
    for (const host of hosts)
      expect(await readFile(lockFile(host), 'utf8')).toMatch(/"message":"later"\}\nsince \d+\n$/);
    for (const host of hosts) {
      expect(await host.quiet()).toEqual([]);
      expect((await lookAt(host, project.application)).strays).toEqual(['.rookery/lock']);
    }
  });

  test('--wait-lock goes on when the lock is free, gives up in time, and can be interrupted', async () => {
    await newProject();
    const gate: Gate = await makeGate(join(project.dir, '.git/gate'));
    await project.configure({ config: { build: `cat ${gate.path}` } });
    const first = project.start([], alice);
    await gate.reached(first.result);
    const waiting = project.start(['--wait-lock'], bob);
    const impatient = await project.deploy(['--wait-lock', '1'], bob);
    expect(impatient.exitCode).toBe(4);
    expect(impatient.of(hosts[0]!).error?.message).toMatch(/held by alice .*waited for 1 second/);
    const stopped = project.start(['--wait-lock'], bob);
    await stopped.seen('waiting for the lock of alice');
    stopped.signal('SIGINT');
    expect((await stopped.deployed).exitCode).toBe(130);

    await waiting.seen('waiting for the lock of alice');
    await gate.pass();
    const release = expectDone(await first.deployed);
    await gate.reached(waiting.result);
    await gate.pass();
    const run = await waiting.deployed;
    const next = expectDone(run);
    expect(run.events.filter((event) => event.type === 'notice')).toHaveLength(1);
    for (const host of hosts)
      expect(await lookAt(host, project.application)).toMatchObject({ current: next, releases: [release, next] });
    await expectNothingLeft(project);
  });

  test('a lock whose guard was killed with its deployer: of two who want it one takes it over, with what was left', async () => {
    await newProject();
    const gate: Gate = await makeGate(join(project.dir, '.git/gate'));
    await project.configure({ recipes: waitAt(gate) });
    const cli = project.start([], alice);
    await gate.reached(cli.result);
    cli.signal('SIGSTOP'); // else it would replace the guards
    for (const host of hosts) killGuard(host);
    cli.signal('SIGKILL');
    await cli.result;
    await gate.pass();
    for (const host of hosts) expect(await host.quiet(15_000)).toEqual([]);
    await project.configure({});
    await beatAt(60);
    const fresh = await project.deploy([], bob);
    expect([fresh.exitCode, fresh.of(hosts[0]!).error?.message]).toEqual([4, expect.stringMatching(/held by alice/)]);

    await beatAt(-60);
    const both = [project.start(['--wait-lock'], bob), project.start(['--wait-lock'], bob)];
    const runs = await Promise.all(both.map((run) => run.deployed));
    const releases = runs.map(expectDone).sort();
    const said = runs.flatMap(({ events }) => events).flatMap((event) => (event.type === 'notice' ? [event] : []));
    const over = said.filter(({ level }) => level === 'warning');
    expect(over.map(({ host }) => host).sort()).toEqual(hosts.map(({ address }) => address).sort());
    for (const { message } of over)
      expect(message).toMatch(
        /^took over the lock of alice on .* no sign of life for \d minutes?; its release \d{14} is removed/,
      );
    for (const host of hosts) expect(await lookAt(host, project.application)).toMatchObject({ releases, strays: [] });
    for (const host of hosts) expect(await host.quiet()).toEqual([]);
  });

  test('a run that has lost a lock stops, and leaves the host to whoever holds it; the others tidy up', async () => {
    await newProject();
    const [one, two, three] = hosts as [SshdHost, SshdHost, SshdHost];
    const gate: Gate = await makeGate(join(project.dir, '.git/gate'));
    await project.configure({ recipes: waitAt(gate) });
    const cli = project.start([], alice);
    await gate.reached(cli.result);
    await writeFile(`${lockFile(two)}.new`, `${JSON.stringify(carol)}\nsince 1\n`);
    await rename(`${lockFile(two)}.new`, lockFile(two));
    killGuard(two); // and no other one gets this lock
    const run = await cli.deployed;
    await gate.pass();
    expect([run.exitCode, run.summary.error?.message]).toEqual([1, expect.stringContaining(`${two.address} was lost`)]);
    for (const host of hosts) expect(await host.quiet(15_000)).toEqual([]);
    for (const host of [one, three])
      expect(await lookAt(host, project.application)).toMatchObject({ current: undefined, releases: [], strays: [] });
    expect(await lookAt(two, project.application)).toMatchObject({
      current: undefined,
      releases: [run.summary.release],
    });
    expect(await readFile(lockFile(two), 'utf8')).toContain('carol');
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
        await newProject({ config: { strategy, swarm: { minBytes: 0 } } });
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
    await project.configure({ recipes: waitAt(gate) });
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
