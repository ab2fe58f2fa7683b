import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sh } from '#protocol/shell.ts';
import type { Session } from '#ssh/session.ts';
import type { Transport } from '#ssh/transport.ts';
import { failureOf, openSession } from '../support/open-session.ts';
import { SSHD_TOOLS, type SshdFleet, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs } from '../support/tools.ts';

describe.skipIf(!needs(...SSHD_TOOLS)).each(['built-in', 'openssh'] as const)('a session: %s', (transport) => {
  let fleet: SshdFleet;
  let opened: Transport;
  let session: Session;
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: 1, maxSessions: 3 });
    [opened, session] = await open();
  });
  afterAll(async () => {
    await session?.close();
    await opened?.close();
    await fleet?.close();
  });

  const open = (there = fleet) => openSession(there, transport);
  const place = (name: string) => `/tmp/${fleet.hosts[0]!.port}-${name}`;

  test('output, input and answers', async () => {
    const { stdout, stderr } = await session.run(sh`echo out; echo err >&2; printf 'no end'`);
    expect({ stdout, stderr }).toEqual({ stdout: 'out\nno end', stderr: 'err\n' });
    expect((await session.run(['cat'], { stdin: 'äöü\0\n' })).stdout).toBe('äöü\0\n');
    const asked = sh`printf 'name? ' >&2; read -r name; echo "hello $name"`;
    expect((await session.run(asked, { answers: [{ when: 'name? ', reply: 'ann' }] })).stdout).toBe('hello ann\n');
    expect((await session.run(sh`head -c 3000000 /dev/zero`)).stdout).toHaveLength(3_000_000);
    expect(session.addresses).toEqual({ local: expect.stringMatching(/^127\./), remote: fleet.hosts[0]!.address });
  });

  test.each([1, 3, 127, 254, 255])('exit code %d is told as it is', async (exitCode) => {
    expect(await failureOf(session.run(sh`echo why >&2; exit ${exitCode}`))).toMatchObject({
      ...{ code: 'command', exitCode, signal: null, output: 'why' },
    });
  });

  test.each(['TERM', 'KILL'])('a command that is killed by %s', async (signal) => {
    const facts = await failureOf(session.run(sh`kill -s ${signal} -- -$$; sleep 9`));
    expect(facts).toMatchObject({ code: 'signal', exitCode: null, signal: `SIG${signal}` });
  });

  test('limits of time, and an interrupt, end a command with all that it started', async () => {
    const late = await failureOf(session.run(sh`sleep 61 & sleep 62; true`, { timeout: 0.3 }));
    expect(late).toMatchObject({ code: 'timeout', message: expect.stringContaining('0.3 s') });
    const begun = new Promise<void>((resolve) => {
      const running = session.run(sh`echo here; sleep 63 & sleep 64; true`, { onOutput: () => resolve() });
      running.catch(() => {});
    });
    await begun;
    session.interrupt();
    expect(await fleet.hosts[0]!.quiet()).toEqual([]);
  });

  test('a program that is spoken to, and that is killed though its input has ended', async () => {
    const program = await session.spawn(sh`read -r line; echo "got $line $$"; trap '' TERM; sleep 65 & wait`);
    let said = '';
    const answered = new Promise<void>((resolve) => {
      program.stdout.on('data', (text) => {
        said += text;
        resolve();
      });
    });
    program.stderr.resume();
    program.stdin.end('a word\n');
    await answered;
    const [, group = ''] = said.match(/^got a word (\d+)\n$/) ?? [];
    program.signal('KILL'); // sshd refuses ssh2's signals to root
    if (transport === 'built-in') await session.run(sh`kill -s KILL -- -${group}`);
    expect(await program.exit).toEqual({ exitCode: null, signal: 'SIGKILL' });
    expect(await fleet.hosts[0]!.quiet()).toEqual([]);
  });

  test('files go there and come back, whole and with their modes', async () => {
    const content = Buffer.alloc(300_000, 'rookery\0');
    await session.write(place('written'), content, 0o640);
    expect(content.equals(await session.read(place('written')))).toBe(true);
    await writeFile(join(fleet.dir, 'sent'), content);
    let sent = 0;
    await session.sendFile(join(fleet.dir, 'sent'), place('sent'), (bytes) => {
      sent = bytes;
    });
    expect(sent).toBe(content.length);
    const { stdout } = await session.run(sh`stat -c %a ${place('written')} ${place('sent')}; cat ${place('sent')}`);
    expect(stdout === `640\n600\n${content}`).toBe(true);
    await session.run(['rm', place('written'), place('sent')]);
    expect(await failureOf(session.read(place('none')))).toMatchObject({ code: 'command', exitCode: 1 });
  });

  test('more commands than sshd has channels for wait for their turn', async () => {
    const results = await Promise.all(
      Array.from({ length: 9 }, (_, index) => session.run(sh`echo ${index}; sleep 0.1`)),
    );
    expect(results.map(({ stdout }) => stdout.trim())).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8']);
  });

  test('a port of the host leads here, both ways, and ends with either end', async () => {
    const port = await session.forward((connection) => {
      connection.on('data', (text) => connection.write(String(text).toUpperCase()));
      connection.on('end', () => connection.end('bye'));
    });
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    socket.end('hello ');
    let heard = '';
    for await (const part of socket) heard += part;
    expect(heard).toBe('HELLO bye');
  });

  test('a connection that is lost is told as such, and commands after it, too', async () => {
    const [own, other] = await open();
    const running = failureOf(other.run(sh`echo here; sleep 66`));
    const spawned = await other.spawn(['cat']);
    spawned.stdout.resume();
    spawned.stderr.resume();
    await fleet.stop(fleet.hosts[0]!);
    expect(await running).toMatchObject({ code: 'connection-lost', message: expect.stringContaining('was lost') });
    expect(await spawned.exit).toEqual({ exitCode: null, signal: null });
    expect(await failureOf(other.run(['true']))).toMatchObject({ code: 'connection-lost' });
    await other.close();
    await own.close();
    expect(await readFile(fleet.knownHostsFile, 'utf8')).not.toBe('');
  });

  test('that is closed while its host says nothing any more does not wait for it', async () => {
    const silent = await startSshdFleet({ hosts: 1 });
    try {
      const [made, one] = await open(silent);
      silent.freeze(silent.hosts[0]!);
      await one.close();
      await made.close();
    } finally {
      await silent.close();
    }
  });
});
