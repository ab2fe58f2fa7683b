import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { NODE_PACKAGES, type NodePackage } from '#runtime/node-packages.ts';

/** A directory for XDG_CACHE_HOME that stays from run to run: the runtime comes from the registry once. */
export const runtimeCache = join(import.meta.dirname, '../../node_modules/.cache/rookery-test');

/** The runtime for hosts on this machine. */
export const runtimeHere = (): NodePackage =>
  NODE_PACKAGES.find(({ machine }) => machine === (process.arch === 'arm64' ? 'aarch64' : 'x86_64'))!;

/** SHA-256 of a file, hex. */
export const hashFile = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
};
