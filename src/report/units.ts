import { formatCount } from '#recipe/format-count.ts';

const SIZES = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Bytes in decimal units with one digit: `0 B`, `812 B`, `30.1 MB`. */
export const formatBytes = (bytes: number): string => {
  let value = Math.max(0, finite(bytes));
  let unit = 0;
  while (value >= 999.95 && unit < SIZES.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${SIZES[unit]}`;
};

/** Bytes a second: `45.2 MB/s`. */
export const formatRate = (bytesPerSecond: number): string => `${formatBytes(bytesPerSecond)}/s`;

/** A duration in seconds as people say it: `0.3 s`, `42 s`, `2 min 5 s`, `1 h 3 min`. */
export const formatSeconds = (seconds: number): string => {
  const value = Math.max(0, finite(seconds));
  if (value < 9.95) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 === 0 ? `${minutes} min` : `${minutes} min ${whole % 60} s`;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

/** A counted noun: `1 host`, `8 hosts`, `2,000 files`. */
export const plural = (count: number, noun: string): string => `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;

/** A share of a whole as whole per cent, never above 100 and 100 only when it is complete. */
export const formatPercent = (part: number, whole: number): string => {
  if (whole <= 0) return '100 %';
  return `${part >= whole ? 100 : Math.min(99, Math.floor((100 * Math.max(0, part)) / whole))} %`;
};

const finite = (value: number): number => (Number.isFinite(value) ? value : 0);
