/** Processor time and memory, by the word of /proc (Linux). */
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const TICKS = 100; // a second, of every Linux, in what /proc tells

/** Seconds that the machine's processors have worked, for whomever. proc(5), stat: user nice system idle iowait irq softirq. */
export const machineSeconds = (): number => {
  const [user, nice, system, , , irq, softirq] = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]!
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user! + nice! + system! + irq! + softirq!) / TICKS;
};

/** Share of all processors that so many seconds of work are. */
export const busyShare = (worked: number, seconds: number): number => worked / seconds / availableParallelism();

/** User and system time of a process; 0 where it has ended. Fields 14 and 15. */
export const processSeconds = (pid: number): number => sumFields(statOf(pid).slice(11, 13));

/**
 * Starts to watch all programs but those of `ours`. Returns what tells how long they have worked since, their children in
 * it (fields 14 to 17); threads of the kernel are left out, because they work for whoever uses the network.
 */
export const watchOthers = (ours: () => ReadonlySet<number>): (() => number) => {
  const before = workOfAll();
  return () => {
    const own = ours();
    const sum = (work: ReadonlyMap<number, number>) =>
      [...work].reduce((total, [pid, seconds]) => total + (own.has(pid) ? 0 : seconds), 0);
    return sum(workOfAll()) - sum(before); // whoever has ended in between is in its parent's sum now
  };
};

const workOfAll = (): ReadonlyMap<number, number> => {
  const programs = readdirSync('/proc').map(Number).filter(Number.isInteger);
  const work = programs.map((pid) => [pid, statOf(pid)] as const).filter(([, stat]) => stat[1] !== KERNEL);
  return new Map(work.map(([pid, stat]) => [pid, sumFields(stat.slice(11, 15))]));
};

/** The parent of all its threads. */
const KERNEL = '2';

/** The most memory that a process has held, bytes; 0 where it has ended. */
export const peakMemory = (pid: number): number =>
  Number(/^VmHWM:\s+(\d+) kB/m.exec(read(pid, 'status'))?.[1] ?? 0) * 1024;

/** proc(5), stat, from field 3 on: the second one may hold spaces. */
const statOf = (pid: number): string[] => read(pid, 'stat').replace(/.*\) /s, '').split(' ');

const sumFields = (ticks: readonly string[]): number => ticks.reduce((sum, field) => sum + Number(field), 0) / TICKS;

const read = (pid: number, file: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
};
