import { readFileSync, statfsSync } from 'node:fs';

/** The file system in memory, where there is one with so many bytes free and whose programs may be run (Linux). */
export const memoryFolder = (room: number): string | undefined => {
  const path = '/dev/shm';
  try {
    const { bavail, bsize } = statfsSync(path);
    const mount = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .findLast((line) => line.split(' ')[1] === path);
    return mount && !/\bnoexec\b/.test(mount) && bavail * bsize > room ? path : undefined;
  } catch {
    return undefined;
  }
};
