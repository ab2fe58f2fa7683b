import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Command, script, sh } from '#protocol/shell.ts';
import type { RunOptions } from '#recipe/remote.ts';
import type { Session } from '#ssh/session.ts';
import type { Transport } from '#ssh/transport.ts';
import { signalProcesses } from '../support/host-processes.ts';
import { failureOf, openSession } from '../support/open-session.ts';
import { SSHD_TOOLS, type SshdFleet, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs } from '../support/tools.ts';
import { until } from '../support/until.ts';

describe.skipIf(!needs(...SSHD_TOOLS)).each(['built-in', 'openssh'] as const)(
  'one shell for many commands: %s',
  (transport) => {
    let fleet: SshdFleet;
    let opened: Transport;
    let session: Session;
    beforeAll(async () => {
      fleet = await startSshdFleet({ hosts: 1, maxSessions: 3, config: ['Match all', 'LogLevel VERBOSE'] }); // it logs every session
      [opened, session] = await openSession(fleet, transport);
    });
    afterAll(async () => {
      await session?.close();
      await opened?.close();
      await fleet?.close();
    });
    const host = () => fleet.hosts[0]!;
    const run = (command: Command, options: RunOptions = {}) => session.run(command, { ...options, shared: true });
    const sessions = () => host().log().split('Starting session: command').length - 1;
    const shells = () =>
      host()
        .processes()
        .filter(({ name }) => name === 'sh' || name === 'dash');

    test('each has its own output, exit code and surroundings; all are one session', async () => {
      const before = sessions();
      expect(await run(sh`echo out; echo err >&2; printf 'no end'`)).toMatchObject({
        stdout: 'out\nno end',
        stderr: 'err\n',
      });
      expect(await run(sh`x=1; cd /; umask 077; trap 'echo gone' 0; exec 2>&1; echo moved >&2`)).toMatchObject({
        stdout: 'moved\ngone\n',
      });
      expect((await run(sh`echo "$x"; pwd; umask; cat`)).stdout).toMatch(/^\n\/root\n0?022\n$/);
      expect((await run(sh`printf '%s\n' 'a  b\n' "c\\d" # and no more`)).stdout).toBe('a  b\\n\nc\\d\n');
      expect(
        (
          await run(sh`cat <<E
here
E`)
        ).stdout,
      ).toBe('here\n');
      expect((await run(sh`head -c 3000000 /dev/zero`)).stdout).toHaveLength(3_000_000);
      expect((await run(sh`printf '\nrook'; sleep 0.05; printf 'ery-x:0\n\nrookery'`)).stdout).toBe(
        '\nrookery-x:0\n\nrookery',
      );
      for (const exitCode of [1, 3, 127, 254, 255])
        expect(await failureOf(run(sh`echo why >&2; exit ${exitCode}`))).toMatchObject({
          ...{ code: 'command', exitCode, signal: null, output: 'why' },
        });
      const steps = [
        { name: 'go well', command: ['true'] },
        { name: 'go wrong', command: sh`echo no >&2; false` },
      ];
      expect(await failureOf(run(script(steps)))).toMatchObject({ command: 'go wrong', exitCode: 1, output: 'no' });
      expect(sessions()).toBe(before + 1);
    });

    test('an input is taken as it is, by a shell that is there, and the next command is none of it', async () => {
      await run(['true']);
      const before = sessions();
      const mark = (await run(sh`ps -o args= $$ | grep -o 'rookery-[0-9a-f]*' | head -n 1`)).stdout.trim();
      const bytes = Buffer.concat([Buffer.from(`\0\n${mark}\nexit 9\n`), randomBytes(700_000), Buffer.from('\n')]);
      const sum = createHash('sha256').update(bytes).digest('hex');
      const { stdout } = await run(sh`head -c ${bytes.length} | sha256sum; echo end`, { stdin: bytes });
      expect(stdout).toBe(`${sum}  -\nend\n`);
      expect((await run(sh`echo next`)).stdout).toBe('next\n');
      expect((await run(sh`head -c 3`, { stdin: 'äb' })).stdout).toBe('äb');
      expect(sessions()).toBe(before);
    });

    test('what a command that fails leaves of its input is not run', async () => {
      const file = `/tmp/${host().port}-run`;
      const input = `${`touch ${file}\n`.repeat(30_000)}`;
      for (const leave of [sh`exit 3`, sh`head -c 20; exit 3`]) {
        await run(['true']);
        expect(await failureOf(run(leave, { stdin: input }))).toMatchObject({ code: 'command', exitCode: 3 });
        expect((await run(sh`echo after; [ ! -e ${file} ]`)).stdout).toBe('after\n');
      }
      const before = sessions();
      await run(['true']);
      expect(sessions()).toBe(before);
    });

    test('what a command that ends well leaves of its input is not run either', async () => {
      const file = `/tmp/${host().port}-run-too`;
      await run(['true']);
      expect((await run(sh`head -c 3`, { stdin: `abc\ntouch ${file}\ntouch ${file}` })).stdout).toBe('abc');
      expect((await run(sh`echo next; [ ! -e ${file} ]`)).stdout).toBe('next\n');
    });

    test('opened ahead it is one session, which the first command waits for', async () => {
      const [made, other] = await openSession(fleet, transport);
      const before = sessions();
      other.enterShell();
      expect((await other.run(sh`echo first`, { shared: true })).stdout).toBe('first\n');
      expect((await other.run(sh`head -c 2`, { shared: true, stdin: 'in' })).stdout).toBe('in');
      expect(sessions()).toBe(before + 1);
      other.leaveShell();
      await other.close();
      await made.close();
    });

    test('whoever watches is told of its process group once, also where it was there before, and of its end', async () => {
      const [made, other] = await openSession(fleet, transport);
      const told: [number, boolean][] = [];
      const group = Number((await other.run(sh`ps -o pgid= $$`, { shared: true })).stdout);
      other.watch((...word) => told.push(word));
      await other.run(['true'], { shared: true });
      await other.run(['true'], { shared: true });
      expect(told).toEqual([[group, true]]);
      const alone = Number((await other.run(sh`ps -o pgid= $$`)).stdout);
      expect(told.slice(1)).toEqual([
        [alone, true],
        [alone, false],
      ]);
      other.leaveShell();
      await until(() => told.length === 4);
      expect(told[3]).toEqual([group, false]);
      await other.close();
      await made.close();
    });

    test('what goes in is what comes out', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.string({ unit: 'grapheme' }).filter((word) => !word.includes('\0'))),
          async (words) => {
            expect((await run(['printf', '%s\\n', ...words])).stdout).toBe(
              words.length === 0 ? '\n' : words.map((word) => `${word}\n`).join(''),
            );
          },
        ),
        { numRuns: 60 },
      );
    });

    test('limits of time, and an interrupt, end a command with all that it started; the next one has another shell', async () => {
      const late = await failureOf(run(sh`sleep 61 & sleep 62; true`, { timeout: 0.3 }));
      expect(late).toMatchObject({ code: 'timeout', message: expect.stringContaining('0.3 s') });
      expect((await run(sh`echo again`)).stdout).toBe('again\n');
      let running: Promise<unknown> | undefined;
      await new Promise<void>((resolve) => {
        running = failureOf(run(sh`echo here; sleep 63 & sleep 64; true`, { onOutput: () => resolve() }));
      });
      session.interrupt();
      expect(await running).toMatchObject({ code: 'signal', signal: 'SIGTERM' });
      expect(await host().quiet()).toEqual([]);
      expect((await run(sh`echo and again`)).stdout).toBe('and again\n');
    });

    test('an interrupt that comes when its command has ended is none of the next one', async () => {
      for (let count = 0; count < 8; count += 1) {
        let running: Promise<unknown> | undefined;
        await new Promise<void>((resolve) => {
          running = failureOf(run(sh`echo here; exec sleep 0.0${count}`, { onOutput: () => resolve() }));
        });
        session.interrupt();
        await running;
        expect((await run(sh`sleep 0.3; echo done`)).stdout).toBe('done\n');
      }
    });

    test('two at the same time do not wait for each other', async () => {
      const name = `/tmp/${host().port}-fifo`;
      await run(['mkfifo', name]);
      const [{ stdout }] = await Promise.all([run(sh`cat ${name}`), run(sh`echo word > ${name}`)]);
      expect(stdout).toBe('word\n');
      await run(['rm', name]);
    });

    test('a shell that is killed while it has nothing to do is replaced', async () => {
      await run(['true']);
      const idle = shells();
      expect(idle.length).toBeGreaterThan(0);
      signalProcesses(
        'SIGKILL',
        idle.map(({ pid }) => pid),
      );
      await host().quiet();
      const tries = [];
      for (let tried = 0; tried < 2; tried += 1) tries.push(await failureOf(run(sh`echo back`)));
      expect(tries.at(-1)).toBeUndefined(); // the first one may have found out
    });

    test('gives way where sshd has no channel left for other commands', async () => {
      await run(['true']);
      const results = await Promise.all(
        Array.from({ length: 9 }, (_, index) => session.run(sh`echo ${index}; sleep 0.1`)),
      );
      expect(results.map(({ stdout }) => stdout.trim())).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8']);
      expect((await run(sh`echo still`)).stdout).toBe('still\n');
    });

    test('nothing of it is left when the session has closed', async () => {
      const [made, other] = await openSession(fleet, transport);
      await other.run(['true'], { shared: true });
      await other.close();
      await made.close();
      await session.close();
      expect(await host().quiet()).toEqual([]);
      await opened.close();
      [opened, session] = await openSession(fleet, transport);
    });

    test('a connection that is lost is told as such', async () => {
      let running: Promise<unknown> | undefined;
      await new Promise<void>((resolve) => {
        running = failureOf(run(sh`echo here; sleep 66`, { onOutput: () => resolve() }));
      });
      await fleet.stop(host());
      expect(await running).toMatchObject({ code: 'connection-lost', message: expect.stringContaining('was lost') });
      expect(await failureOf(run(['true']))).toMatchObject({ code: 'connection-lost' });
    });
  },
);

describe.skipIf(!needs(...SSHD_TOOLS))('a shell that something else has started, which leads the process group', () => {
  let fleet: SshdFleet;
  beforeAll(async () => {
    const wrapper = 'ForceCommand sh -c "$SSH_ORIGINAL_COMMAND"; exit $?';
    fleet = await startSshdFleet({ hosts: 1, config: ['Match all', wrapper] });
  });
  afterAll(() => fleet?.close());

  test('runs one command, which ends where it is ended', async () => {
    const [made, session] = await openSession(fleet, 'built-in');
    const run = (command: Command, options: RunOptions = {}) => session.run(command, { ...options, shared: true });
    expect(await run(sh`echo out; echo err >&2`)).toMatchObject({ stdout: 'out\n', stderr: 'err\n' });
    expect(await failureOf(run(sh`echo why >&2; exit 3`))).toMatchObject({ exitCode: 3, output: 'why' });
    const file = `/tmp/${fleet.hosts[0]!.port}-late`;
    await promisify(execFile)('mkfifo', [`${fleet.dir}/fifo`]);
    const stopped = failureOf(run(sh`read -r x < ${fleet.dir}/fifo; touch ${file}`, { timeout: 0.3 }));
    expect(await stopped).toMatchObject({ code: 'timeout' });
    expect(await fleet.hosts[0]!.quiet()).toEqual([]);
    expect(existsSync(file)).toBe(false);
    await session.close();
    await made.close();
  });
});
