import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/free-address.ts';
import { expectNothingLeft, treeOf } from '../support/host-files.ts';
import { makeProject, type Project } from '../support/project.ts';
import { openSilentAddress } from '../support/silent-address.ts';
import { SSHD_TOOLS, type SshdFleet, type SshdHost, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs } from '../support/tools.ts';

/** Of a host that says nothing; the others have to log in within it, too. */
const PATIENCE = { connectTimeout: 5 };

describe.skipIf(!needs(...SSHD_TOOLS, 'git'))(
  'a host that cannot be logged in to ends the run with 5, and no host is touched',
  () => {
    let fleet: SshdFleet;
    let project: Project;
    let bad: SshdHost;
    let knownHosts: string;
    beforeAll(async () => {
      fleet = await startSshdFleet({ hosts: 3 });
      project = await makeProject({ fleet });
      bad = fleet.hosts[1]!;
      knownHosts = await readFile(fleet.knownHostsFile, 'utf8');
    });
    afterAll(async () => {
      await fleet?.close();
      await project?.remove();
    });
    afterEach(async () => {
      expect(await readFile(fleet.knownHostsFile, 'utf8')).toBe(knownHosts);
      expect(existsSync(join(project.dir, '.ssh'))).toBe(false);
    });

    /** Configures the second host like this, runs a deploy, looks at the hosts, and gives the error of that host. */
    const refusal = async (host: object, ssh: object = {}) => {
      const entries = fleet.hosts.map((one) => ({
        ...{ host: one.address, port: one.port, deployTo: one.deployTo('shop') },
        ...(one === bad ? host : {}),
      }));
      const { user, identityFile, knownHostsFile } = fleet;
      await project.configure({
        config: {
          ssh: { user, identityFile, knownHostsFile, ...ssh },
          stages: { production: { hosts: entries } },
        },
      });
      const { exitCode, summary } = await project.deploy();
      expect({ exitCode, summary }).toMatchObject({ exitCode: 5, summary: { ok: false, exitCode: 5 } });
      expect(summary.hosts.map(({ status }) => status)).toEqual(['skipped', 'failed', 'skipped']);
      for (const one of fleet.hosts) expect(await treeOf(one, 'shop')).toEqual({});
      await expectNothingLeft(project);
      const error = summary.hosts[1]?.error;
      expect(error?.task).toBe('connect');
      return error;
    };

    test('a question is answered by the others, and the run still ends with 5', async () => {
      const port = await freePort([bad.address]);
      await refusal({ port });
      const { exitCode, stdout } = await project.run(['production', 'run', '--', 'echo', 'here'], { timeout: 20_000 });
      expect(exitCode).toBe(5);
      expect(stdout.match(/\| here/g)).toHaveLength(2);
      const without = await project.run(['production', 'run', '-z', `!${bad.address}`, '--', 'echo', 'here']);
      expect({ exitCode: without.exitCode, stderr: without.stderr }).toEqual({ exitCode: 0, stderr: '' });
    });

    test('a closed port', async () => {
      const port = await freePort([bad.address]);
      const error = await refusal({ port });
      expect(error).toMatchObject({ code: 'connect', message: expect.stringContaining(`${bad.address}:${port}`) });
      expect(error?.message).toMatch(/connection refused/);
    });

    test.skipIf(process.platform !== 'linux')('an address that does not answer, after ssh.connectTimeout', async () => {
      const silent = await openSilentAddress(bad.address);
      try {
        const error = await refusal({ port: silent.port }, PATIENCE);
        expect(error).toMatchObject({ code: 'connect', message: expect.stringMatching(/no answer within 5 s/) });
      } finally {
        await silent.close();
      }
    });

    test('a port where somebody answers, but not with SSH', async () => {
      const mute = createServer(() => {});
      const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
      const ports: number[] = [];
      for (const one of [mute, server]) {
        await new Promise<void>((resolve) => one.listen(0, bad.address, resolve));
        ports.push((one.address() as { port: number }).port);
      }
      try {
        const silence = await refusal({ port: ports[0] }, PATIENCE);
        expect(silence).toMatchObject({ code: 'connect', message: expect.stringMatching(/no SSH answer.*within 5 s/) });
        expect(await refusal({ port: ports[1] })).toMatchObject({ code: 'connect' });
      } finally {
        mute.close();
        server.close();
      }
    });

    test('a name that does not resolve', async () => {
      const error = await refusal({ host: 'nowhere.invalid' });
      expect(error).toMatchObject({
        code: 'connect',
        message: expect.stringMatching(/nowhere\.invalid.*cannot be resolved/),
      });
    });

    test('a key that the host does not accept: the words name the user and what was offered', async () => {
      const key = await makeKey('other');
      const error = await refusal({ identityFile: key });
      expect(error).toMatchObject({ code: 'auth', message: expect.stringContaining(key) });
      expect(error?.message).toMatch(new RegExp(`permission denied for ${fleet.user}`));
    });

    test('a key file that does not exist, that is no key, or that is a public key', async () => {
      const none = await refusal({ identityFile: join(project.dir, 'none') });
      expect(none).toMatchObject({ code: 'auth', message: expect.stringMatching(/\/none does not exist/) });
      const text = await refusal({ identityFile: 'index.html' });
      expect(text).toMatchObject({ code: 'auth', message: expect.stringMatching(/index\.html is not a private key/) });
      const half = await refusal({ identityFile: `${fleet.identityFile}.pub` });
      expect(half).toMatchObject({ code: 'auth', message: expect.stringMatching(/\.pub is the public half/) });
    });

    test('an encrypted key without an agent: the words say to use one', async () => {
      const key = await makeKey('encrypted', 'secret');
      const error = await refusal({ identityFile: key });
      expect(error).toMatchObject({ code: 'auth', message: expect.stringMatching(/encrypted is encrypted.*ssh-add/) });
    });

    test('no key at all: the words say where it was looked for', async () => {
      const { knownHostsFile, user } = fleet;
      await project.configure({ config: { ssh: { user, knownHostsFile } } });
      const { exitCode, summary } = await project.deploy();
      expect(exitCode).toBe(5);
      expect(summary.hosts[0]?.error).toMatchObject({
        code: 'auth',
        message: expect.stringContaining('.ssh/id_ed25519'),
      });
    });

    test('an unknown host key is never accepted, nor written to known_hosts', async () => {
      const file = join(project.dir, 'known_hosts_without_it');
      const text = knownHosts
        .split('\n')
        .filter((line) => !line.startsWith(`[${bad.address}]`))
        .join('\n');
      await writeFile(file, text);
      const error = await refusal({ knownHostsFile: file });
      expect(error).toMatchObject({ code: 'host-key', message: expect.stringMatching(/host key of .* is not known/) });
      expect(error?.message).toMatch(/SHA256:[A-Za-z0-9+/]{43}.*ssh-keyscan/s);
      expect(await readFile(file, 'utf8')).toBe(text);
      const missing = join(project.dir, 'no_known_hosts');
      expect(await refusal({ knownHostsFile: missing })).toMatchObject({ code: 'host-key' });
      expect(existsSync(missing)).toBe(false);
    });

    test('a revoked host key', async () => {
      const file = join(project.dir, 'known_hosts_revoked');
      await writeFile(file, knownHosts.replace(`[${bad.address}]`, `@revoked [${bad.address}]`));
      const error = await refusal({ knownHostsFile: file });
      expect(error).toMatchObject({
        code: 'host-key',
        message: expect.stringMatching(/revoked in .*known_hosts_revoked:2/),
      });
    });

    test('several bad hosts: each has its own cause, in the summary and in the table', async () => {
      const [first, , third] = fleet.hosts;
      const port = await freePort([bad.address]);
      const { user, identityFile, knownHostsFile } = fleet;
      await project.configure({
        config: {
          ssh: { user, identityFile, knownHostsFile },
          stages: {
            production: {
              hosts: [
                { host: first?.address, port: first?.port },
                { host: bad.address, port },
                { host: third?.address, port: third?.port, identityFile: 'none' },
              ],
            },
          },
        },
      });
      const { exitCode, summary } = await project.deploy();
      expect(exitCode).toBe(5);
      expect(summary.hosts.map(({ error }) => error?.code)).toEqual([undefined, 'connect', 'auth']);
      const plain = await project.run(['production', '--format', 'plain']);
      expect(plain.exitCode).toBe(5);
      expect(plain.stdout + plain.stderr).toMatch(/connection refused/);
      expect(plain.stdout + plain.stderr).toMatch(/none does not exist/);
    });

    test("a changed host key: OpenSSH's words, and the file and line of the key that is known", async () => {
      await fleet.rekey(bad);
      const error = await refusal({});
      expect(error).toMatchObject({
        code: 'host-key',
        message: expect.stringMatching(/REMOTE HOST IDENTIFICATION HAS CHANGED/),
      });
      expect(error?.message).toContain(`${fleet.knownHostsFile}:2`);
      expect(error?.message).toContain('ssh-keygen -R');
    });

    const makeKey = async (name: string, passphrase = ''): Promise<string> => {
      const file = join(project.dir, name);
      await promisify(execFile)('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-f', file]);
      return file;
    };
  },
);
