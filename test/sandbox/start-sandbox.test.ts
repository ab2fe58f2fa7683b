import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterEach, describe, expect, test } from 'vitest';
import { startSandbox } from '#sandbox/start-sandbox.ts';
import { connectClient, run } from '../support/ssh-client.ts';
import { needs } from '../support/tools.ts';
import { type Fleet, startFleet } from './fleet.ts';

describe('the embedded fleet', () => {
  let fleet: Fleet;
  afterEach(() => fleet.end());

  test('gives every host a name, a port and a directory of its own', async () => {
    fleet = await startFleet(3);
    expect(fleet.hosts.map((host) => host.name)).toEqual(['sandbox01', 'sandbox02', 'sandbox03']);
    expect(new Set(fleet.hosts.map((host) => host.port)).size).toBe(3);
    for (const [index, host] of fleet.hosts.entries()) {
      const client = await connectClient(await fleet.login(index));
      expect((await run(client, 'pwd')).stdout.toString()).toBe(`${join(fleet.root, host.name)}\n`);
      client.end();
    }
  });

  test('writes a key that only its owner can read, and a host key for every port', async () => {
    fleet = await startFleet(2);
    const { identityFile, knownHostsFile } = fleet.hosts[0]!;
    expect((await stat(identityFile)).mode & 0o777).toBe(0o600);
    const lines = (await readFile(knownHostsFile, 'utf8')).trim().split('\n');
    expect(lines.map((line) => line.split(' ').slice(0, 2))).toEqual(
      fleet.hosts.map(({ port }) => [`[127.0.0.1]:${port}`, 'ssh-ed25519']),
    );
  });

  test('lets in nobody with another key, another name or a password', async () => {
    fleet = await startFleet(1);
    const login = await fleet.login(0);
    const { private: otherKey } = ssh2.utils.generateKeyPairSync('ed25519');
    const { privateKey: _, ...noKey } = login;
    for (const wrong of [
      { ...login, privateKey: otherKey },
      { ...login, username: 'root' },
      { ...noKey, password: 'x' },
    ]) {
      await expect(connectClient(wrong)).rejects.toMatchObject({ level: 'client-authentication' });
    }
  });

  test.skipIf(!needs('ssh'))('is known to the client of OpenSSH by its known_hosts alone', async () => {
    fleet = await startFleet(2);
    expect(await fleet.openssh('ssh', 1, ['true'])).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    await writeFile(fleet.hosts[0]!.knownHostsFile, '');
    expect(await fleet.openssh('ssh', 1, ['true'])).toMatchObject({ exitCode: 255 });
  });

  test('finds at a later start what an earlier run left on the hosts', async () => {
    fleet = await startFleet(1);
    const client = await connectClient(await fleet.login(0));
    await run(client, 'mkdir releases && echo 1 > releases/one');
    client.end();
    await fleet.close();
    const again = await startSandbox({ name: 'sandbox', count: 1, root: fleet.root, env: { PATH: '/usr/bin:/bin' } });
    await again.close();
    expect(await readFile(join(again.hosts[0]!.root, 'releases/one'), 'utf8')).toBe('1\n');
  });

  test('leaves no port listening and no client connected when it closes, and lets background work go on', async () => {
    fleet = await startFleet(2);
    const { root } = fleet.hosts[0]!;
    const client = await connectClient(await fleet.login(0));
    await run(client, 'mkfifo before after; (cat before > kept; echo done > after) > /dev/null 2>&1 &');
    const ended = new Promise<void>((resolve) => client.once('close', () => resolve()));
    await fleet.close();
    await ended;
    for (const { port } of fleet.hosts) {
      const [error] = await once(connect({ port, host: '127.0.0.1' }), 'error');
      expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    }
    await writeFile(join(root, 'before'), 'still here');
    await readFile(join(root, 'after'));
    expect(await readFile(join(root, 'kept'), 'utf8')).toBe('still here');
  });
});
