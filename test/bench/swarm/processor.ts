/** Processor time and memory, by the word of /proc (Linux). */
import { readFileSync } from 'node:fs';
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

/** User and system time of a process; 0 where it has ended. Fields 14 and 15; the second one may hold spaces. */
export const processSeconds = (pid: number): number => {
  const fields = read(pid, 'stat').replace(/.*\) /s, '').split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS;
};

/** The most memory that a process has held, bytes; 0 where it has ended. */
export const peakMemory = (pid: number): number =>
  Number(/^VmHWM:\s+(\d+) kB/m.exec(read(pid, 'status'))?.[1] ?? 0) * 1024;

const read = (pid: number, file: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
};
