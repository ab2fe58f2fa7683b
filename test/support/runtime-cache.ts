import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
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

/** A directory with the newest Node of a line, out of npm, that stays from run to run. */
export const nodeOfLine = async (line: number): Promise<string> => {
  const name = runtimeHere().name;
  const prefix = join(runtimeCache, `node-${line}`);
  const bin = join(prefix, 'node_modules', name, 'bin');
  if (!existsSync(join(bin, 'node'))) {
    const words = ['install', '--silent', '--no-save', '--ignore-scripts', '--prefix', prefix, `${name}@${line}`];
    await promisify(execFile)('npm', words);
  }
  return bin;
};
