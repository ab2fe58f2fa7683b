import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Gate, makeGate } from '../support/gate.ts';
import { expectNothingLeft, lookAt } from '../support/host-files.ts';
import { clientsOf, isGuard, reaped } from '../support/host-processes.ts';
import { type Deployed, makeProject, type Project } from '../support/project.ts';
import { SSHD_TOOLS, type SshdFleet, type SshdHost, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs } from '../support/tools.ts';
import { until } from '../support/until.ts';

describe.skipIf(!needs(...SSHD_TOOLS, 'git', 'mkfifo'))('a host whose connection is lost', () => {
  let fleet: SshdFleet;
  let project: Project;
  let gate: Gate;
  let host: SshdHost;
  let number = 0;
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: 3 });
    host = fleet.hosts[1]!;
  });
  afterAll(() => fleet?.close());
  beforeEach(async () => {
    number += 1;
    project = await makeProject({ fleet, hosts: fleet.hosts.slice(0, 2), application: `app${number}` });
    gate = await makeGate(join(project.dir, '.git/gate'));
  });
  afterEach(async () => {
    await gate?.pass();
    await project?.remove();
  });

  /** The run waits at the gate on this machine, and may run a command on the hosts then, or a command of the second host waits there, before a task. */
  const configure = (before: string, where: 'here' | 'here, then there' | 'there', ssh: object = {}, undo?: Gate) => {
    const { user, identityFile, knownHostsFile } = fleet;
    const there = `on(hosts.slice(1), ({ run }) => run(sh\`echo begun >> ~/begun; echo here >&2; cat ${gate.path}\`))`;
    const here = `runLocally(cmd\`cat ${gate.path}\`)`;
    const then = where === 'here' ? '' : ".then(() => on(hosts, ({ run }) => run(['true'])))";
    const body = where === 'there' ? there : `${here}${then}`;
    return project.configure({
      application: project.application,
      config: { strategy: 'sftp', ssh: { user, identityFile, knownHostsFile, ...ssh } },
      recipes: `[defineRecipe({ name: 'wait', before: { '${before}': 'wait', 'deploy:failed': 'undoing' }, tasks: [
        task('wait', 'Wait', { run: ({ on, hosts, runLocally }) => ${body} }),
        task('undoing', 'Wait to undo', { run: ({ runLocally }) => runLocally(cmd\`cat ${undo?.path ?? '/dev/null'}\`) })] })]`,
    });
  };
  const notices = ({ events }: Deployed): string[] =>
    events.flatMap((event) => (event.type === 'notice' && event.host === host.address ? [event.message] : []));
  /** Ends its sshd, and waits until the run has noticed: a command that was under way counts as one that ran. */
  const stop = async (which = host) => {
    const clients = clientsOf(which.address); // of the openssh transport
    await fleet.stop(which);
    await which.left();
    await reaped(clients);
  };
  const restart = async (which = host) => {
    await stop(which);
    await fleet.start(which);
  };

  test('after the switch: it is waited for, its lock is taken again, and the run goes on', async () => {
    await configure('deploy:finishing', 'here');
    const cli = project.start();
    await gate.reached(cli.result);
    await stop();
    await host.quiet(); // what held the lock there
    await gate.pass();
    await cli.seen('waiting up to 120 s');
    await fleet.start(host);
    const run = await cli.deployed;
    expect({ exitCode: run.exitCode, notices: notices(run) }).toEqual({
      exitCode: 0,
      notices: [
        expect.stringMatching(/^connection lost, waiting/),
        expect.stringMatching(/^connected again after \d+ s$/),
      ],
    });
    const { release } = run.summary;
    const found = { current: release, releases: [release], log: [expect.stringContaining(release!)], strays: [] };
    for (const one of project.hosts) expect(await lookAt(one, project.application)).toMatchObject(found);
    await expectNothingLeft(project);
  });

  test('before the switch: the host has removed what it was sent, so the run does not wait, and undoes it elsewhere', async () => {
    await configure('deploy:publishing', 'here');
    const cli = project.start();
    await gate.reached(cli.result);
    await restart();
    await host.quiet();
    await gate.pass();
    const run = await cli.deployed;
    expect(run.exitCode).toBe(1);
    expect(run.of(host)).toMatchObject({ status: 'failed', error: { code: 'connection-lost' } });
    expect(notices(run).join()).not.toContain('waiting');
    for (const one of project.hosts)
      expect(await lookAt(one, project.application)).toMatchObject({ releases: [], strays: [] });
    await expectNothingLeft(project);
  });

  test('a command that ran is not run again, for nobody knows how far it came; the host is switched back', async () => {
    await configure('deploy:finishing', 'there');
    const cli = project.start();
    await gate.reached(cli.result);
    await cli.seen('"text":"here'); // its process group came before: whoever guards the host there is told of it
    await restart();
    const run = await cli.deployed;
    expect(run.exitCode).toBe(1);
    expect(run.of(host)).toMatchObject({ status: 'failed', error: { code: 'connection-lost', task: 'wait' } });
    expect(notices(run).join()).toMatch(/connected again/);
    for (const one of project.hosts)
      expect(await lookAt(one, project.application)).toMatchObject({ releases: [], strays: [] });
    expect(await readFile(join(fleet.dir, host.name, 'home/begun'), 'utf8')).toBe('begun\n');
    await expectNothingLeft(project);
  });

  test.each(['built-in', 'openssh'])(
    'with the bastion on the way to it, by %s: both are logged in to again',
    async (transport) => {
      const { user, identityFile, knownHostsFile } = fleet;
      const [bastion, , inner] = fleet.hosts as [SshdHost, SshdHost, SshdHost];
      await project.configure({
        hosts: [bastion, inner],
        config: { ssh: { user, identityFile, knownHostsFile, transport } },
        host: (index) => (index === 1 ? { proxyJump: `${user}@${bastion.address}:${bastion.port}` } : {}),
        recipes: `[defineRecipe({ name: 'twice', tasks: [task('twice', 'Twice', { locks: false,
        run: async ({ on, hosts, runLocally }) => {
          await on(hosts, ({ run }) => run(['true']));
          await runLocally(cmd\`cat ${gate.path}\`);
          await on(hosts, ({ run }) => run(['true']));
        } })] })]`,
      });
      const cli = project.start(['twice']);
      await gate.reached(cli.result);
      await restart(bastion);
      await gate.pass();
      expect((await cli.deployed).exitCode).toBe(0);
      expect(cli.stdout().match(/connected again/g)).toHaveLength(2);
    },
  );

  test('somebody else has deployed meanwhile: the run leaves that host alone', async () => {
    await configure('deploy:finishing', 'here');
    const cli = project.start();
    await gate.reached(cli.result);
    await restart();
    await host.quiet();
    const other = await makeProject({ fleet, hosts: [host], application: project.application });
    try {
      const theirs = await other.deploy();
      expect(theirs.exitCode).toBe(0);
      await gate.pass();
      const run = await cli.deployed;
      expect(run.exitCode).toBe(3);
      expect(run.of(host).error?.message).toMatch(/somebody else was here: current points to \d+$/);
      const { release } = theirs.summary;
      expect(await lookAt(host, project.application)).toMatchObject({ current: release, strays: [] });
    } finally {
      await other.remove();
    }
    await expectNothingLeft(project);
  });

  test('an interrupt ends the wait; the others go back first, then it is tried once more, and goes back too', async () => {
    const undo = await makeGate(join(project.dir, '.git/undo'));
    await configure('deploy:published', 'here, then there', {}, undo);
    const cli = project.start();
    await gate.reached(cli.result);
    await stop();
    await gate.pass();
    await cli.seen('waiting up to 120 s');
    cli.signal('SIGINT');
    await undo.reached(cli.result);
    await fleet.start(host);
    await undo.pass();
    const run = await cli.deployed;
    expect(run.exitCode).toBe(130);
    expect(run.stdout).not.toContain('undoing: '); // what puts things right is not interrupted on this machine either
    expect(run.of(host).error).toMatchObject({
      code: 'connection-lost',
      message: expect.stringContaining('was not back when the run was to end'),
    });
    for (const one of project.hosts)
      expect(await lookAt(one, project.application)).toMatchObject({ releases: [], strays: [] });
    await expectNothingLeft(project);
  });

  test('that is lost once more while its lock is taken again is waited for once more', async () => {
    await configure('deploy:finishing', 'here');
    const cli = project.start();
    await gate.reached(cli.result);
    const guard = host.processes().find(isGuard)!;
    process.kill(guard.pid, 'SIGSTOP'); // it goes on holding the lock
    const logins = host.logins();
    await restart();
    await gate.pass();
    await cli.seen('waiting up to 120 s');
    let ended = false;
    void cli.result.then(() => {
      ended = true;
    });
    await until(() => host.logins() !== logins || ended);
    await stop();
    process.kill(guard.pid, 'SIGCONT');
    await host.quiet();
    await fleet.start(host);
    const run = await cli.deployed;
    expect({ exitCode: run.exitCode, notices: notices(run) }).toEqual({
      exitCode: 0,
      notices: [expect.stringMatching(/^connection lost, waiting/), expect.stringMatching(/^connected again/)],
    });
    await expectNothingLeft(project);
  });

  test('that does not come back fails after ssh.reconnectTimeout, with what to look at', async () => {
    await configure('deploy:finishing', 'here', { reconnectTimeout: 1 });
    const cli = project.start();
    await gate.reached(cli.result);
    await stop();
    await gate.pass();
    const run = await cli.deployed;
    await fleet.start(host);
    expect(run.exitCode).toBe(3);
    expect(run.of(host).error).toMatchObject({
      code: 'connection-lost',
      message: expect.stringMatching(/did not come back within 1 s \(ssh.reconnectTimeout\): cannot reach .*refused/),
    });
  });
});
