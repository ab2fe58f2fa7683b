import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where system tools live that are not on every user's PATH. */
const SYSTEM_DIRS = ['/usr/sbin', '/sbin'];

/** Absolute path of a tool, or undefined where the machine has none. */
export const findTool = (name: string): string | undefined =>
  [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_DIRS]
    .map((dir) => join(dir, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });

/**
 * True when all the tools are on the machine. Otherwise it prints one line and returns false, so that a test can be
 * skipped for all to see: `test.skipIf(!needs('aria2c'))`. @throws where CI is set: there nothing may be missing.
 */
export const needs = (...tools: string[]): boolean => {
  const missing = tools.filter((tool) => findTool(tool) === undefined);
  return missing.length === 0 || skipped(`this machine has no ${missing.join(', ')}`);
};

/** The same for what only root may do, such as mounting a small file system. */
export const needsRoot = (): boolean => process.getuid?.() === 0 || skipped('they need root');

const skipped = (why: string): false => {
  const message = `tests skipped: ${why}`;
  if (process.env.CI) throw new Error(message);
  process.stderr.write(`${message}\n`);
  return false;
};
