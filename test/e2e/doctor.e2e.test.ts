import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectNothingLeft, lookAt } from '../support/host-files.ts';
import { makeProject, type Project } from '../support/project.ts';
import { SSHD_TOOLS, type SshdFleet, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs } from '../support/tools.ts';

describe.skipIf(!needs('git', ...SSHD_TOOLS))('deploy doctor', () => {
  let fleet: SshdFleet;
  let project: Project;
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: 2 });
    project = await makeProject({ fleet });
    await mkdir(join(project.dir, '.ssh'));
    await writeFile(
      join(project.dir, '.ssh/config'),
      'Host *\n  ServerAliveInterval 7\n  HostKeyAlgorithms +ssh-rsa\n  CertificateFile ~/no\n',
    );
  });
  afterAll(async () => {
    await project?.remove();
    await fleet?.close();
  });

  test('without a stage tells of this machine and the stages, and asks no host', async () => {
    const before = fleet.hosts.map((host) => host.log());
    const { exitCode, stdout } = await project.run(['doctor']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^node +\d+\./m);
    expect(stdout).toMatch(/^agent +none/m);
    expect(stdout).toContain(join(project.dir, 'deploy.config.ts'));
    expect(stdout).toMatch(/^stages +production/m);
    expect(fleet.hosts.map((host) => host.log())).toEqual(before);
  });

  test('of a stage that nothing was deployed to: settings with their origin, the hosts, and no trace of it there', async () => {
    const { exitCode, stdout } = await project.run(['doctor', 'production']);
    expect(exitCode).toBe(0);
    const [first, second] = fleet.hosts.map(({ address }) => address);
    expect(stdout).toContain(`SSH to ${first}, ${second}\n`); // one table for both
    expect(stdout).toMatch(/ServerAliveInterval +7 +\S*\.ssh\/config:2\n/);
    expect(stdout).toMatch(/User +\S+ +deploy\.config: ssh/);
    expect(stdout).toMatch(/ConnectTimeout +20 +default\n/);
    expect(stdout).toMatch(/CertificateFile .*config:4: not supported, passed over/);
    for (const { address } of fleet.hosts) {
      expect(stdout).toMatch(new RegExp(`^${address} \\| machine: \\w+, .*libc`, 'm'));
      expect(stdout).toMatch(new RegExp(`^${address} \\| runtime: its own Node\\.js v\\d+`, 'm'));
      expect(stdout).toMatch(new RegExp(`^${address} \\| .*/shop: does not exist yet; deploy:check makes it`, 'm'));
    }
    for (const host of fleet.hosts) expect((await lookAt(host, 'shop')).strays).toEqual([]);
  });

  test('of a stage that is deployed to by SFTP: the machines as well, and no runtime', async () => {
    await project.configure({ config: { strategy: 'sftp' } });
    const { exitCode, stdout } = await project.run(['doctor', 'production']);
    await project.configure({});
    expect(exitCode).toBe(0);
    for (const { address } of fleet.hosts)
      expect(stdout).toMatch(new RegExp(`^${address} \\| machine: (?!unknown)\\w+, glibc`, 'm'));
    expect(stdout).not.toContain('runtime:');
  });

  test("where the system's ssh connects it is said which, and that it does what we pass over", async () => {
    const { user, identityFile, knownHostsFile } = fleet;
    await project.configure({ config: { ssh: { transport: 'openssh', user, identityFile, knownHostsFile } } });
    const { exitCode, stdout } = await project.run(['doctor', 'production']);
    await project.configure({});
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^ssh +OpenSSH_\S+.* reads ssh_config by itself \(ssh\.transport\)$/m);
    expect(stdout).not.toContain('not supported');
    for (const { address } of fleet.hosts) expect(stdout).toMatch(new RegExp(`^${address} \\| runtime: its own`, 'm'));
  });

  test('tries the network of hosts that are ready, and a host that is down is told beside the others', async () => {
    expect((await project.deploy()).exitCode).toBe(0);
    const well = await project.run(['doctor', 'production', '--format', 'json']);
    expect(well.exitCode).toBe(0);
    const events = well.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ type }) => type).slice(0, 2)).toEqual(['machine', 'login']);
    expect(events[1].way[0].settings).toContainEqual({ name: 'ConnectTimeout', value: '20', from: 'default' });
    expect(events.at(-2)).toMatchObject({ type: 'task-end', detail: 'all 2 hosts get through' });
    await expectNothingLeft(project);

    const [up, down] = fleet.hosts as unknown as [(typeof fleet.hosts)[0], (typeof fleet.hosts)[0]];
    await fleet.stop(down);
    const ill = await project.run(['doctor', 'production']);
    await fleet.start(down);
    expect(ill.exitCode).toBe(5);
    expect(ill.stdout).toContain(`${up.address} | runtime: `);
    expect(ill.stderr).toMatch(new RegExp(`${down.address} .*connection refused`));
    await expectNothingLeft(project);
  });
});
