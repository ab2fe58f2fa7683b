import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeProject, type Project } from '../support/project.ts';
import { SSHD_TOOLS, type SshdFleet, type SshdHost, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs } from '../support/tools.ts';

describe.skipIf(!needs(...SSHD_TOOLS, 'git'))("hosts that the user's ssh_config leads to", () => {
  let fleet: SshdFleet;
  let project: Project;
  let gate: SshdHost;
  let inner: readonly [SshdHost, SshdHost];
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: 3 });
    [gate, ...inner] = fleet.hosts as unknown as [SshdHost, SshdHost, SshdHost];
    project = await makeProject({ fleet });
    await mkdir(join(project.dir, '.ssh'));
  });
  afterAll(async () => {
    await fleet?.close();
    await project?.remove();
  });

  /** Writes ~/.ssh/config and a deploy.config.ts that only names hosts. */
  const configure = async (lines: readonly string[], ssh: object = {}, hosts: readonly unknown[] = ['inner[1:2]']) => {
    const names: [string, SshdHost][] = [
      ['gate', gate],
      ['inner1', inner[0]],
      ['inner2', inner[1]],
    ];
    const blocks = names.flatMap(([name, { address }]) => [`Host ${name}`, `  HostName ${address}`]);
    const common = ['Host gate inner*', `  User ${fleet.user}`, `  Port ${gate.port}`];
    const keys = [`  IdentityFile ${fleet.identityFile}`, `  UserKnownHostsFile ${fleet.knownHostsFile}`];
    await writeFile(join(project.dir, '.ssh', 'config'), [...lines, ...blocks, ...common, ...keys, ''].join('\n'));
    await project.configure({ config: { ssh, stages: { production: { hosts } } } });
  };
  const here = async (...options: string[]) => {
    const { summary, ...result } = await project.deploy(['run', ...options, '--', 'echo', 'here']);
    const errors = summary.hosts.map(({ error }) => error?.message ?? '');
    return { ...result, errors, said: result.stdout.match(/"text":"here/g)?.length ?? 0 };
  };

  test('names, users, ports and keys come from there, and what is not done is said once', async () => {
    await configure(['Host inner*', '  CertificateFile ~/.ssh/cert.pub', '  RemoteCommand none', '  SendEnv LANG']);
    const { exitCode, said, stdout } = await here();
    expect({ exitCode, said }).toEqual({ exitCode: 0, said: 2 });
    expect(stdout.match(/CertificateFile \([^)]*\/\.ssh\/config:2\)/g)).toHaveLength(1);
    expect(stdout).not.toContain('SendEnv');
  });

  test('a deploy goes through one connection to the bastion, whatever the number of hosts behind it', async () => {
    await configure(
      ['Host inner*', '  ProxyJump gate'],
      {},
      inner.map((host, index) => ({ host: `inner${index + 1}`, deployTo: host.deployTo('shop') })),
    );
    const before = [gate.logins(), inner[0].logins(), inner[1].logins()];
    const { exitCode, summary } = await project.deploy();
    expect({ exitCode, errors: summary.hosts.map(({ error }) => error) }).toEqual({
      exitCode: 0,
      errors: [undefined, undefined],
    });
    expect([gate.logins(), inner[0].logins(), inner[1].logins()]).toEqual(before.map((count) => count + 1));
  });

  test('a bastion with its own wrong key, or one that leads nowhere, is named', async () => {
    const wrong = join(fleet.dir, 'no_known_hosts');
    await configure(['Host gate', `  UserKnownHostsFile ${wrong}`, 'Host inner*', '  ProxyJump gate']);
    const refused = await here();
    expect(refused.exitCode).toBe(5);
    for (const error of refused.errors) expect(error).toMatch(/host key of \[.*\]:\d+ is not known/);
    await configure(['Host inner1', '  ProxyJump gate', 'Match host gate', '  ProxyJump inner1']);
    const circle = await project.run(['production', 'run', '--', 'true']);
    expect(circle).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('ProxyJump goes in a circle: inner1 -> gate -> inner1'),
    });
  });

  test('a command of this machine carries the connection', async () => {
    const options = fleet.sshOptions.join(' ');
    await configure(['Host inner*', `  ProxyCommand ssh ${options} -p %p -W %h:%p %r@${gate.address}`]);
    const before = gate.logins();
    expect(await here()).toMatchObject({ exitCode: 0, said: 2 });
    expect(gate.logins()).toBe(before + 2);
    await configure(['Host inner*', '  ProxyCommand sh -c \'echo "nobody is at %h" >&2; exit 1\'']);
    const { exitCode, errors } = await here();
    expect({ exitCode, error: errors[0] }).toMatchObject({
      exitCode: 5,
      error: expect.stringContaining(`ProxyCommand says: nobody is at ${inner[0].address}`),
    });
  });

  test('deploy.config.ts wins, and can do without the file', async () => {
    await configure(['Host inner*', '  ProxyCommand false'], {
      proxyJump: [`${fleet.user}@${gate.address}:${gate.port}`],
      identityFile: fleet.identityFile,
      knownHostsFile: fleet.knownHostsFile,
    });
    const before = gate.logins();
    expect(await here()).toMatchObject({ exitCode: 0, said: 2 });
    expect(gate.logins()).toBe(before + 1);
    await configure([], { configFile: false });
    const { exitCode, errors } = await here();
    expect({ exitCode, error: errors[0] }).toMatchObject({
      exitCode: 5,
      error: expect.stringMatching(/no key to log in with/),
    });
    await configure([], { configFile: 'none' });
    expect(await project.run(['production', 'run', '--', 'true'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/the SSH configuration .*\/none does not exist.*ssh\.configFile/),
    });
  });

  test('a new host key is written down where that was chosen, and a changed one is still refused', async () => {
    const file = join(project.dir, 'new', 'known_hosts');
    const lines = [
      'Host *',
      '  StrictHostKeyChecking accept-new',
      '  HashKnownHosts yes',
      `  UserKnownHostsFile ${file}`,
    ];
    await configure(lines);
    expect(await here()).toMatchObject({ exitCode: 0, said: 2 });
    const written = await readFile(file, 'utf8');
    expect(written.match(/^\|1\|\S+ ssh-ed25519 \S+$/gm)).toHaveLength(2);
    await configure(lines.filter((line) => !line.includes('accept-new')));
    expect(await here()).toMatchObject({ exitCode: 0, said: 2 });
    await fleet.rekey(inner[1]);
    await configure(lines);
    const { exitCode, errors } = await here('-z', 'inner2');
    expect({ exitCode, error: errors[0] }).toMatchObject({
      exitCode: 5,
      error: expect.stringMatching(/IDENTIFICATION HAS CHANGED.*known_hosts:\d/),
    });
    expect(await readFile(file, 'utf8')).toBe(written);
  });
});
