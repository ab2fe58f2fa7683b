import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeTempDir } from './temp-dir.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A copy of this very project, as it is now, where builds and demos leave nobody else's files in disorder. Its modules are shared. */
export const copyOfProject = async (): Promise<string> => {
  const dir = join(await makeTempDir('copy'), 'rookery');
  await mkdir(dir);
  for (const name of COPIED) await cp(join(root, name), join(dir, name), { recursive: true, verbatimSymlinks: true });
  await symlink(join(root, 'node_modules'), join(dir, 'node_modules'));
  return dir;
};

const COPIED = [
  ...['src', 'recipes', 'fixtures', 'dist', 'build.mjs', 'package.json', 'deploy.config.ts'],
  ...['tsconfig.json', 'tsconfig.build.json', 'README.md', 'LICENSE', 'CHANGELOG.md'],
];
