/** What both benchmarks are given besides their words. */
export interface Bench {
  /** Top directory of Rookery's package. */
  readonly root: string;
  /** Directory of the bundled helpers, `seeder.mjs` and so on. */
  readonly programs: string;
  /** Aborts at an interrupt. */
  readonly signal: AbortSignal;
}

/** The value of an option that takes a whole number from 1. @throws on any other */
export const positive = (name: string, text: string): number => {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} takes a whole number from 1, not ${text}`);
  return number;
};

export const say = (text: string): void => void process.stdout.write(`${text}\n`);
