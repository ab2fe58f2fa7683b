import type { Writable } from 'node:stream';

/** One line of `--format json` where no run tells its events. */
export const tellJson = (out: Writable, type: string, fields: object): void =>
  void out.write(`${JSON.stringify({ type, at: new Date().toISOString(), ...fields })}\n`);
