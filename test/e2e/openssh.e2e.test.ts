import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/free-address.ts';
import { expectNothingLeft, lookAt } from '../support/host-files.ts';
import { makeProject, type Project } from '../support/project.ts';
import { SSHD_TOOLS, type SshdFleet, type SshdHost, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs } from '../support/tools.ts';
import { until } from '../support/until.ts';

/** A software authenticator for FIDO keys, of Debian's openssh-tests: it is touched by nobody. */
const AUTHENTICATOR = process.env.ROOKERY_TEST_AUTHENTICATOR ?? '/usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so';

describe.skipIf(!needs(...SSHD_TOOLS, 'git'))("the system's ssh as transport", () => {
  let fleet: SshdFleet;
  let project: Project;
  let gate: SshdHost;
  let ssh: Readonly<Record<string, unknown>>;
  let userKey: string;
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: 3 });
    gate = fleet.hosts[0]!;
    project = await makeProject({ fleet, hosts: fleet.hosts.slice(1) });
    userKey = join(fleet.dir, 'certified');
    const [authority, knownHostsFile] = [join(fleet.dir, 'authority'), join(fleet.dir, 'known_authorities')];
    for (const file of [authority, userKey]) await keygen('-t', 'ed25519', '-N', '', '-f', file);
    await keygen('-s', authority, '-I', 'ann', '-n', fleet.user, `${userKey}.pub`);
    await writeFile(knownHostsFile, `@cert-authority * ${await readFile(`${authority}.pub`, 'utf8')}`);
    for (const host of fleet.hosts) {
      const dir = join(fleet.dir, host.name);
      await keygen('-s', authority, '-I', host.name, '-h', '-n', host.address, join(dir, 'host_key.pub'));
      const lines = [`HostCertificate ${dir}/host_key-cert.pub`, `TrustedUserCAKeys ${authority}.pub`, 'MaxSessions 4'];
      await appendFile(join(dir, 'sshd_config'), `${lines.join('\n')}\n`);
      await fleet.stop(host);
      await fleet.start(host);
    }
    ssh = {
      ...{ transport: 'openssh', user: fleet.user, identityFile: userKey, knownHostsFile },
      proxyJump: `${fleet.user}@${gate.address}:${gate.port}`,
    };
  });
  afterAll(async () => {
    await project?.remove();
    await fleet?.close();
  });

  const keygen = (...words: string[]) => promisify(execFile)('ssh-keygen', ['-q', ...words]);
  const errorsOf = async (config: object) => {
    await project.configure({ config: { ssh: config } });
    const { exitCode, summary } = await project.deploy(['run', '--', 'true']);
    await expectNothingLeft(project);
    expect(exitCode).toBe(5);
    return summary.hosts.map(({ error }) => error);
  };

  test('a deploy by torrent, with certificates of users and hosts, over one connection to the bastion', async () => {
    await project.configure({ config: { ssh } });
    const before = fleet.hosts.map((host) => host.logins());
    const { exitCode, summary, stderr } = await project.deploy();
    expect({ exitCode, stderr, errors: summary.hosts.map(({ error }) => error) }).toEqual({
      ...{ exitCode: 0, stderr: '', errors: [undefined, undefined] },
    });
    for (const host of project.hosts) expect((await lookAt(host, 'shop')).current).toBe(summary.release);
    expect(fleet.hosts.map((host) => host.logins())).toEqual(before.map((count) => count + 1));
    await expectNothingLeft(project);
  });

  test('who is refused is told why, and the built-in transport which one does it', async () => {
    const { identityFile, knownHostsFile } = fleet;
    const [wrong] = await errorsOf({ ...ssh, proxyJump: false, identityFile: join(fleet.dir, 'authority') });
    expect(wrong).toMatchObject({ code: 'auth', message: expect.stringMatching(/permission denied .*authority/) });
    const [gateOnly] = await errorsOf({ ...ssh, knownHostsFile: '/dev/null' });
    expect(gateOnly).toMatchObject({ code: 'host-key', message: expect.stringContaining(gate.address) });
    const [builtIn] = await errorsOf({ ...ssh, transport: 'built-in', proxyJump: false, identityFile });
    expect(builtIn).toMatchObject({ code: 'host-key', message: expect.stringContaining("transport: 'openssh'") });
    const [certified] = await errorsOf({ ...ssh, transport: 'built-in', proxyJump: false, knownHostsFile });
    expect(certified).toMatchObject({ code: 'auth', message: expect.stringContaining("transport: 'openssh'") });
  });

  test('what the bastion says of one host is not told of another', async () => {
    const mute = createServer(() => {});
    const [closed, silent] = project.hosts as [SshdHost, SshdHost];
    mute.listen(0, silent.address);
    await once(mute, 'listening');
    const ports = [await freePort([closed.address]), (mute.address() as { port: number }).port];
    try {
      await project.configure({
        config: { ssh: { ...ssh, connectTimeout: 5 } },
        host: (index) => ({ port: ports[index] }),
      });
      const { summary } = await project.deploy(['run', '--', 'true']);
      expect(summary.hosts.map(({ error }) => error?.message)).toEqual([
        expect.stringMatching(/through .*refused/),
        expect.stringMatching(/no SSH answer.* within 5 s/),
      ]);
    } finally {
      mute.close();
    }
  });

  test.each(['SIGINT', 'SIGKILL'] as const)('%s leaves no ssh, no directory and no command behind', async (signal) => {
    await project.configure({ config: { ssh } });
    const cli = project.start(['run', '--', 'while echo here; do sleep 0.1; done']);
    await cli.seen(/("text":"here[\s\S]*){2}/);
    const temp = join(project.dir, '.git', 'tmp');
    const [own] = (await readdir(temp)).filter((name) => existsSync(join(temp, name, 'askpass')));
    expect(own).toBeDefined();
    cli.signal(signal);
    const { exitCode } = await cli.result;
    expect(exitCode).toBe(signal === 'SIGINT' ? 130 : null);
    if (signal === 'SIGINT') return expectNothingLeft(project);
    for (const host of project.hosts) expect(await host.quiet()).toEqual([]);
    await until(() => !existsSync(join(temp, own!)));
    expect(await mastersIn(join(temp, own!))).toEqual([]);
  });

  test('a machine without ssh, or with an old one, hears of it before any host does', async () => {
    await project.configure({ config: { ssh } });
    const before = fleet.hosts.map((host) => host.log());
    const bin = join(project.dir, '.git', 'bin');
    await promisify(execFile)('sh', ['-c', `mkdir ${bin} && ln -s "$(command -v git)" "$(command -v sh)" ${bin}/`]);
    const without = await project.run(['production', 'run', '--', 'true'], { env: { PATH: bin } });
    expect(without).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/no.*ssh in PATH|no.* in PATH/) });
    await writeFile(join(bin, 'ssh'), '#!/bin/sh\necho "OpenSSH_7.4p1, OpenSSL 1.0.2k-fips" >&2\n', { mode: 0o755 });
    const old = await project.run(['production', 'run', '--', 'true'], { env: { PATH: bin } });
    expect(old).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/OpenSSH 8\.4 or newer.*7\.4p1/) });
    expect(fleet.hosts.map((host) => host.log())).toEqual(before);
  });

  test.skipIf(!existsSync(AUTHENTICATOR))('a FIDO key logs in', async () => {
    const key = join(fleet.dir, 'security_key');
    await keygen('-t', 'ed25519-sk', '-w', AUTHENTICATOR, '-N', '', '-f', key);
    const [host] = project.hosts;
    const keys = await readFile(`${fleet.identityFile}.pub`, 'utf8');
    await appendFile(`${fleet.identityFile}.pub`, await readFile(`${key}.pub`, 'utf8'));
    const { user, knownHostsFile } = fleet;
    await project.configure({
      config: { ssh: { transport: 'openssh', user, knownHostsFile, identityFile: key, configFile: 'ssh_config' } },
    });
    await writeFile(join(project.dir, 'ssh_config'), `SecurityKeyProvider ${AUTHENTICATOR}\n`);
    const { exitCode, of } = await project.deploy(['run', '-z', host!.address, '--', 'true']);
    await writeFile(`${fleet.identityFile}.pub`, keys);
    expect({ exitCode, error: of(host!).error }).toEqual({ exitCode: 0, error: undefined });
  });
});

/** What still runs and names the directory. */
const mastersIn = async (directory: string): Promise<string[]> => {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'args']);
  return stdout.split('\n').filter((line) => line.includes(directory));
};
