import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Client, ClientChannel } from 'ssh2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectClient, exec, finish, run } from '../support/ssh-client.ts';
import { needs } from '../support/tools.ts';
import { type Fleet, startFleet } from './fleet.ts';

describe('commands on an embedded host', () => {
  let fleet: Fleet;
  let client: Client;
  beforeAll(async () => {
    fleet = await startFleet(1);
    client = await connectClient(await fleet.login(0));
  });
  afterAll(async () => {
    client.end();
    await fleet.end();
  });

  test('run in sh, in the directory of the host, which is their HOME', async () => {
    const { stdout, exitCode } = await run(client, 'pwd; echo "$HOME $USER"; command -v node');
    const { root, user } = fleet.hosts[0]!;
    expect(stdout.toString().split('\n').slice(0, 2)).toEqual([root, `${root} ${user}`]);
    expect(basename(stdout.toString().trim())).toBe('node');
    expect(exitCode).toBe(0);
  });

  test('see nothing of the environment of the deployer', async () => {
    const { stdout } = await run(client, 'env | cut -d= -f1 | sort');
    expect(stdout.toString().split('\n')).not.toContain('VITEST');
  });

  test('tell their exit code and keep stdout and stderr apart', async () => {
    const { exitCode, stdout, stderr } = await run(client, 'echo out; echo err >&2; exit 7');
    expect([exitCode, stdout.toString(), stderr.toString()]).toEqual([7, 'out\n', 'err\n']);
  });

  test('tell the signal that ended them', async () => {
    expect(await run(client, 'kill -KILL $$')).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
  });

  test('read their stdin to its end', async () => {
    expect((await run(client, 'cat; echo end', 'some words, ')).stdout.toString()).toBe('some words, end\n');
  });

  test('may leave their stdin unread', async () => {
    expect(await run(client, 'exit 3', randomBytes(4_000_000))).toMatchObject({ exitCode: 3 });
  });

  test('carry a megabyte from stdin to stdout unchanged', async () => {
    const bytes = randomBytes(1_000_000);
    expect((await run(client, 'cat', bytes)).stdout.equals(bytes)).toBe(true);
  });

  test('write much to both outputs while the reader is slow, and every byte arrives once', async () => {
    const channel = await exec(
      client,
      'for i in 1 2 3 4 5 6; do head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2; done',
    );
    await once(channel, 'readable'); // nothing is read: both directions run out of window
    const { stdout, stderr } = await finish(channel);
    expect([stdout.length, stderr.length]).toEqual([6_000_000, 6_000_000]);
  });

  test('get a signal with all their group', async () => {
    const channel = await exec(client, 'sleep 100 & echo started; wait');
    const finished = finish(channel);
    await once(channel, 'data');
    channel.signal('TERM');
    expect(await finished).toMatchObject({ exitCode: null, signal: 'SIGTERM' }); // not before sleep let go of stdout
  });

  test('get a signal after their stdin has ended, too', async () => {
    const channel = await exec(client, 'cat; echo started; sleep 100');
    const finished = finish(channel);
    channel.end();
    await once(channel, 'data');
    signalAfterEof(client, channel, 'TERM');
    expect(await finished).toMatchObject({ exitCode: null, signal: 'SIGTERM' });
  });

  test('keep the channel open while a background child holds their output', async () => {
    const channel = await exec(client, 'cat <&3 3<&- & exit 0');
    const finished = finish(channel);
    expect(await once(channel, 'exit')).toEqual([0]);
    expect((await finished).exitCode).toBe(0);
  });

  test('lose their stdin, not their life, when the channel closes', async () => {
    const channel = await exec(client, 'echo ready; cat > /dev/null; echo survived > fifo');
    await run(client, 'mkfifo fifo');
    await once(channel, 'data');
    channel.close();
    expect(await readFile(join(fleet.hosts[0]!.root, 'fifo'), 'utf8')).toBe('survived\n');
  });

  test('lose their stdin when the client vanishes', async () => {
    const other = await connectClient(await fleet.login(0));
    const channel = await exec(other, 'mkfifo fifo2; echo ready; cat > /dev/null; echo survived > fifo2');
    await once(channel, 'data');
    (other as unknown as { _sock: { destroy(): void } })._sock.destroy();
    expect(await readFile(join(fleet.hosts[0]!.root, 'fifo2'), 'utf8')).toBe('survived\n');
  });

  test.skipIf(!needs('ssh'))('answer the client of OpenSSH', async () => {
    const { stdout, exitCode } = await fleet.openssh('ssh', 0, ['cat; pwd; exit 5'], 'hello ');
    expect([stdout, exitCode]).toEqual([`hello ${fleet.hosts[0]!.root}\n`, 5]);
  });
});

/** ssh2's client keeps a signal to itself once stdin has ended; others, as RFC 4254 allows, do not. */
const signalAfterEof = (client: Client, channel: ClientChannel, name: string): void => {
  const { _protocol } = client as unknown as { _protocol: { signal(id: number, name: string): void } };
  _protocol.signal((channel.outgoing as { id: number }).id, name);
};
