import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Command, shellText } from '#protocol/shell.ts';
import { type LockOwner, parseLock } from '#release/found-lock.ts';
import {
  breakLock,
  type GuardStart,
  type GuardTiming,
  giveBackLock,
  guardLock,
  leaveLock,
  SILENT,
} from '#release/lock-programs.ts';
import { markedWith, signalProcesses } from '../support/host-processes.ts';
import { findShells } from '../support/shells.ts';
import { until } from '../support/until.ts';
import { type Application, makeApplication, NAMES } from './application.ts';

const NEW = '20260102000000';
const owner = (by: string): LockOwner => ({
  ...{ by, machine: "o'neil's", at: '2026-11-20T08:15:30.000Z', task: 'deploy', id: `${by}-1` },
});
const [ann, bob] = [owner('ann'), owner('bob')];

describe.each(findShells().map((shell) => ({ shell, title: shell.name })))('the lock in $title', ({ shell }) => {
  let app: Application;
  const own = (...path: string[]) => join(app.deployTo, '.rookery', ...path);
  const lock = () => readFile(own('lock'), 'utf8');
  const left = async () => (await readdir(own(), { recursive: true })).sort();

  beforeEach(async () => {
    app = await makeApplication(shell, NAMES[1]);
  });
  afterEach(async () => {
    signalProcesses(
      'SIGKILL',
      running().map(({ pid }) => pid),
    );
    await app.remove();
  });

  const running = () => markedWith(`LOCK_TEST=${app.deployTo}`);
  /** Resolves when nothing runs any more that these tests have started. */
  const quiet = async () => {
    await until(() => running().length === 0);
  };
  /** Starts a program and leaves it to the test. */
  const start = (command: Command) => {
    const [file, ...args] = shell.command;
    const child = spawn(file, [...args, shellText(command)], { env: { ...shell.env, LOCK_TEST: app.deployTo } });
    const heard: string[] = [];
    const verdict = new Promise<string>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        heard.push(line);
        if (line === 'held' || line === 'taken') resolve(line);
      });
      child.once('close', (code) => resolve(`exit code ${code}`));
    });
    let errors = '';
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    child.stdin.on('error', () => {});
    const closed = once(child, 'close');
    return {
      ...{ child, verdict },
      found: () => parseLock(heard.join('\n')),
      errors: () => errors,
      say: (...words: string[]) => void child.stdin.write(words.map((word) => `${word}\n`).join('')),
      ended: async () => (await closed)[0] as number | null,
    };
  };
  const guard = (who: LockOwner, timing?: GuardTiming, how?: GuardStart) =>
    start(guardLock(app.deployTo, who, timing, how));
  /** The lock of a guard that died long ago, with what it had not published. */
  const leaveDead = async (silence = 60) => {
    const then = Math.floor(Date.now() / 1000) - silence;
    await writeFile(own('lock'), `${JSON.stringify(bob)}\nbeat ${then - 3600}\nprotect ${NEW}\nbeat ${then}\n`);
    await mkdir(join(app.deployTo, 'releases', NEW));
    await writeFile(own('releases', NEW), 'ready\n');
  };

  test('is had by one, who tells whose it is, and gone after his word', async () => {
    const first = guard(ann);
    expect(await first.verdict).toBe('held');
    expect(first.found()).toEqual({});
    const second = guard(bob);
    expect([await second.verdict, await second.ended()]).toEqual(['taken', 0]);
    expect(second.found()).toEqual({ owner: ann, age: expect.any(Number), silence: expect.any(Number) });
    expect(second.found().age).toBeLessThan(5);
    expect((await lock()).split('\n')[0]).toBe(JSON.stringify(ann));
    expect(await left()).toEqual(['incoming', 'lock', 'peer', 'releases']);

    first.say(`protect ${NEW}`, 'done');
    first.child.stdin.end();
    expect([await first.ended(), first.errors(), second.errors(), running()]).toEqual([0, '', '', []]);
    expect(await left()).toEqual(['incoming', 'peer', 'releases']);
  });

  test('is not taken by a guard that waits before it is told to, and never by one that is told nothing', async () => {
    const waiting = guard(ann, undefined, { waits: true });
    const other = guard(bob);
    expect(await other.verdict).toBe('held');
    other.say('done');
    expect(await other.ended()).toBe(0);
    waiting.say('go');
    expect(await waiting.verdict).toBe('held');
    waiting.say(`protect ${NEW}`);
    while (!(await lock()).includes(`protect ${NEW}`)) await new Promise((resolve) => setTimeout(resolve, 20));
    waiting.say('done');
    expect([await waiting.ended(), waiting.errors()]).toEqual([0, '']);

    const dismissed = guard(ann, undefined, { waits: true });
    dismissed.child.stdin.end();
    expect([await dismissed.verdict, dismissed.errors(), running()]).toEqual(['exit code 0', '', []]);
    expect(await left()).toEqual(['incoming', 'peer', 'releases']);
  });

  test('whose deployer is not heard of any more goes with all that was not published', async () => {
    const silent = guard(ann, { tick: 1, patience: 2 });
    expect(await silent.verdict).toBe('held');
    await mkdir(join(app.deployTo, 'releases', NEW));
    const command = spawn('sleep', ['300'], { detached: true });
    silent.say(`begun ${command.pid}`, `protect ${NEW}`);
    expect((await once(command, 'close'))[1]).toBe('SIGTERM');
    expect([await silent.ended(), silent.errors(), running()]).toEqual([SILENT, '', []]);
    expect(await readdir(join(app.deployTo, 'releases'))).toEqual([]);
    expect(await left()).toEqual(['incoming', 'peer', 'releases']);
  });

  test('beats while its guard lives; of a guard that is killed nothing runs, and its owner takes it again', async () => {
    const killed = guard(ann, { tick: 1, patience: 100 });
    expect(await killed.verdict).toBe('held');
    await mkdir(join(app.deployTo, 'releases', NEW));
    killed.say(`protect ${NEW}`);
    while (!/protect \d+\nbeat \d+\n/.test(await lock())) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await guard(bob).verdict).toBe('taken');
    process.kill(killed.child.pid!, 'SIGKILL');
    killed.child.stdin.end(); // as sshd does when a command has ended
    expect(await killed.ended()).toBe(null);
    await quiet();
    expect(existsSync(own('lock'))).toBe(true);
    expect(await guard(bob).verdict).toBe('taken');

    const next = guard(ann);
    expect(await next.verdict).toBe('held');
    expect(await readdir(join(app.deployTo, 'releases'))).toEqual([NEW]);
    next.child.stdin.end();
    expect(await next.ended()).toBe(0);
    expect(await left()).toEqual(['incoming', 'peer', 'releases']);
  });

  test('of a dead guard is taken over by one of those who want it, who removes what was not published', async () => {
    await leaveDead();
    const takers = ['ann', 'carl', 'dora', 'emma', 'finn'].map((name) => guard(owner(name)));
    const verdicts = await Promise.all(takers.map((taker) => taker.verdict));
    expect(verdicts.sort()).toEqual(['held', ...Array.from({ length: 4 }, () => 'taken')]);
    const holder = (await Promise.all(takers.map(async (taker) => ({ taker, verdict: await taker.verdict })))).find(
      ({ verdict }) => verdict === 'held',
    )!.taker;
    expect(holder.found()).toMatchObject({ owner: bob, release: NEW });
    expect(holder.found().silence).toBeGreaterThanOrEqual(60);
    expect(holder.found().age).toBeGreaterThanOrEqual(3660);
    expect(await readdir(join(app.deployTo, 'releases'))).toEqual([]);
    expect(await left()).toEqual(['incoming', 'lock', 'peer', 'releases']);
    holder.child.stdin.end();
    for (const taker of takers) expect([await taker.ended(), taker.errors()]).toEqual([0, '']);
    expect(await left()).toEqual(['incoming', 'peer', 'releases']);
  });

  test('of a guard that may live, or without a beat, is not taken over', async () => {
    await leaveDead(20);
    const other = guard(ann);
    expect([await other.verdict, other.found().silence]).toEqual(['taken', expect.any(Number)]);
    for (const text of [
      'half a li',
      `${JSON.stringify(bob)}\nbeat soon\n`,
      `${JSON.stringify(bob)}\nsince 1000\n`,
      '',
    ]) {
      await writeFile(own('lock'), text);
      const attempt = guard(ann);
      expect([text, await attempt.verdict, await attempt.ended()]).toEqual([text, 'taken', 0]);
      expect(attempt.found().owner).toEqual(text.startsWith('{') ? bob : undefined);
      expect(await lock()).toBe(text);
    }
  });

  test('left by deploy:lock stays until it is broken', async () => {
    const lasting = { ...ann, task: 'deploy:lock', message: '`it\'s` "late"\n' };
    const attempt = start(leaveLock(app.deployTo, lasting, ann));
    expect([await attempt.verdict, await attempt.ended(), attempt.errors()]).toEqual(['held', 0, '']);
    for (const other of [guard(ann), start(leaveLock(app.deployTo, { ...bob, message: '' }, bob))]) {
      expect(await other.verdict).toBe('taken');
      expect(other.found()).toEqual({ owner: lasting, age: expect.any(Number) });
    }
    await app.refused(giveBackLock(app.deployTo, ann));
    expect(parseLock(await app.run(breakLock(app.deployTo)))).toEqual({ owner: lasting, age: expect.any(Number) });
    expect(await app.run(breakLock(app.deployTo))).toBe('');
    expect(await left()).toEqual(['incoming', 'peer', 'releases']);
  });

  test('of the run itself may be made to stay; that of a dead one, too', async () => {
    const lasting = { ...ann, message: '' };
    await leaveDead();
    const dead = start(leaveLock(app.deployTo, lasting, ann));
    expect([await dead.verdict, dead.found().owner]).toEqual(['held', bob]);
    await dead.ended();
    expect(await readdir(join(app.deployTo, 'releases'))).toEqual([]);
    await app.run(giveBackLock(app.deployTo, lasting));

    const run = guard(ann);
    expect(await run.verdict).toBe('held');
    expect(await start(leaveLock(app.deployTo, lasting, ann)).verdict).toBe('held');
    run.say('done');
    run.child.stdin.end();
    expect([await run.ended(), run.errors()]).toEqual([0, '']);
    expect((await lock()).split('\n')[0]).toBe(JSON.stringify(lasting));
  });
});
