import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Two settings of the kernel are one for all namespaces, so a fleet needs them changed outside of itself: the size of
 * the table of neighbours (32 hosts that all know each other fill the default of 1,024), and the congestion controls
 * that a namespace may choose. Returns what puts them back.
 */
export const raiseKernelLimits = (): (() => void) => {
  const changes = [...THRESHOLDS.map(raise), allow('cubic')];
  return () => {
    for (const undo of changes) undo();
  };
};

const THRESHOLDS = [
  ['gc_thresh1', 16_384],
  ['gc_thresh2', 65_536],
  ['gc_thresh3', 131_072],
] as const;

const raise = ([name, least]: readonly [string, number]): (() => void) => {
  const file = `/proc/sys/net/ipv4/neigh/default/${name}`;
  return change(file, (now) => (Number(now) < least ? String(least) : now));
};

const allow = (control: string): (() => void) =>
  change('/proc/sys/net/ipv4/tcp_allowed_congestion_control', (now) =>
    now.split(' ').includes(control) ? now : `${now} ${control}`,
  );

const change = (file: string, next: (now: string) => string): (() => void) => {
  const before = readFileSync(file, 'utf8').trim();
  const after = next(before);
  if (after === before) return () => {};
  writeFileSync(file, after);
  return () => writeFileSync(file, before);
};
