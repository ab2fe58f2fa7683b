/** What one deploy costs: time by the clock, and processor time here and on the hosts. Linux only. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { descendants } from '../../support/host-processes.ts';
import type { SshdFleet } from '../../support/sshd-fleet.ts';

/** All in seconds. */
export interface Measured {
  /** From the program's start to its end. */
  readonly seconds: number;
  /** User and system time of the program and all its children. */
  readonly deployerCpu: number;
  /** The same for the hosts' sshd and all that they ran. */
  readonly hostsCpu: number;
  /** What everything else on this machine used meanwhile: a busy machine makes a poor benchmark. */
  readonly otherCpu: number;
}

/** Runs the program, its output kept. @throws with its last output unless it ends with 0 */
export const measure = async (
  { argv, cwd }: { argv: readonly [string, ...string[]]; cwd: string },
  fleet: Pick<SshdFleet, 'hosts'>,
  signal: AbortSignal,
): Promise<Measured & { stdout: string }> => {
  signal.throwIfAborted();
  await promisify(execFile)('sync'); // nobody pays for what the one before has not written to disk yet
  const before = { hosts: hostsCpu(fleet), machine: machineCpu(), at: performance.now() };
  const { stdout, times } = await runTimed(argv, cwd, signal);
  const seconds = (performance.now() - before.at) / 1000;
  const machine = machineCpu() - before.machine;
  await sessionsEnded(fleet);
  const hosts = hostsCpu(fleet) - before.hosts;
  const deployerCpu = sumTimes(times);
  return { stdout, seconds, deployerCpu, hostsCpu: hosts, otherCpu: Math.max(0, machine - hosts - deployerCpu) };
};

/** A deploy that takes longer than this hangs. */
const LONGEST_MS = 180_000;

/** The shell's own `times` is what POSIX has to tell the processor time of a tree of processes. */
const TIMED = '"$@"; code=$?; times >&3; exit $code';

const runTimed = async (argv: readonly string[], cwd: string, signal: AbortSignal) => {
  const child = spawn('sh', ['-c', TIMED, 'sh', ...argv], {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const end = () => void (child.exitCode ?? process.kill(-child.pid!, 'SIGKILL'));
  signal.addEventListener('abort', end);
  const tooLong = setTimeout(end, LONGEST_MS);
  const collected = ['', '', ''];
  [child.stdout, child.stderr, child.stdio[3]].forEach((stream, index) => {
    stream?.on('data', (chunk: Buffer) => {
      collected[index] += chunk.toString();
    });
  });
  const [code] = await once(child, 'close');
  clearTimeout(tooLong);
  signal.removeEventListener('abort', end);
  const [stdout = '', stderr = '', times = ''] = collected;
  if (code !== 0)
    throw new Error(`${argv.join(' ')} ended with ${code ?? 'a signal'}\n${stdout.slice(-2000)}${stderr.slice(-2000)}`);
  return { stdout, times };
};

/** `times` prints two lines, the shell's own and its children's, of user and system time such as `0m1.230000s`. */
const sumTimes = (text: string): number =>
  [...text.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  );

/** An sshd knows the time of its sessions as soon as they have ended. */
const sessionsEnded = async (fleet: Pick<SshdFleet, 'hosts'>): Promise<void> => {
  const deadline = performance.now() + 5000;
  while (fleet.hosts.some(({ pid }) => descendants(pid).length > 0) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const TICKS = 100; // of every Linux, in what /proc tells

/** proc(5), stat: utime, stime, cutime and cstime are the fields 14 to 17; the second one may hold spaces. */
const hostsCpu = (fleet: Pick<SshdFleet, 'hosts'>): number =>
  fleet.hosts.reduce((sum, { pid }) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /s, '').split(' ');
    return sum + fields.slice(11, 15).reduce((ticks, field) => ticks + Number(field), 0) / TICKS;
  }, 0);

/** proc(5), stat: user nice system idle iowait irq softirq steal. */
const machineCpu = (): number => {
  const [user, nice, system, , , irq, softirq] = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]!
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user! + nice! + system! + irq! + softirq!) / TICKS;
};
