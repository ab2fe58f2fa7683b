/**
 * Counts the bytes of every link from the switch, as a program: each 100 ms a line of JSON, [time, received by p0, sent to p0,
 * received by p1, ...]. What the switch receives is a host's upload. It ends with its stdin.
 */
import { readFileSync } from 'node:fs';

const EVERY_MS = 100;

const read = (): number[] => {
  const counts: number[] = [];
  for (const [, port, numbers] of readFileSync('/proc/net/dev', 'utf8').matchAll(/^\s*p(\d+):(.*)$/gm)) {
    const fields = numbers!.trim().split(/\s+/);
    counts[2 * Number(port)] = Number(fields[0]);
    counts[2 * Number(port) + 1] = Number(fields[8]);
  }
  return counts;
};

const tell = () => process.stdout.write(`${JSON.stringify([performance.timeOrigin + performance.now(), ...read()])}\n`);
tell();
setInterval(tell, EVERY_MS);
process.stdin.on('end', () => process.exit()).resume();
