import { createHash } from 'node:crypto';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import type { SshdHost } from '../../support/sshd-fleet.ts';

/** SHA-256 over the path, the executable bit and the content of every file below, in the order of their paths. */
export const hashTree = async (root: string): Promise<string> => {
  const hash = createHash('sha256');
  for (const path of (await filesBelow(root, '')).sort()) {
    const file = join(root, path);
    const executable = ((await stat(file)).mode & 0o100) !== 0;
    hash
      .update(`${path}\0${executable}\0`)
      .update(await readFile(file))
      .update('\0');
  }
  return hash.digest('hex');
};

/** What the host serves as `current`, by the files on its disk. */
export const servedBy = async (host: SshdHost, application: string): Promise<{ revision: string; tree: string }> => {
  const deployTo = host.deployTo(application);
  const link = await readlink(join(host.files, application, 'current'));
  const release = join(host.files, application, relative(deployTo, resolve(deployTo, link)));
  return { revision: (await readFile(join(release, 'REVISION'), 'utf8')).trim(), tree: await hashTree(release) };
};

/** Links, which lead to shared directories here, and what the tools write themselves, are not the application's. */
const filesBelow = async (root: string, dir: string): Promise<string[]> => {
  const entries = await readdir(join(root, dir), { withFileTypes: true });
  const found = entries.map(async (entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return entry.name === '.git' ? [] : filesBelow(root, path);
    return entry.isFile() && !OWN.has(path) ? [path] : [];
  });
  return (await Promise.all(found)).flat();
};

const OWN = new Set(['REVISION', 'REVISION_TIME']);
