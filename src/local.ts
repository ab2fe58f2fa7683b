import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ignoreRules } from '#artifact/ignore-rules.ts';
import { runLocal } from '#artifact/run-local.ts';
import { walkDirectory } from '#artifact/walk-directory.ts';
import { writeTar } from '#artifact/write-tar.ts';
import type { Emit } from '#protocol/events.ts';
import { shellText } from '#protocol/shell.ts';
import { UserError } from '#recipe/user-error.ts';
import type { LocalWork } from '#run/local-work.ts';

export interface LocalParts {
  /** Of the configuration: commands run here. */
  readonly directory: string;
  readonly scratch: string;
  readonly localPath: (path: string) => string;
  readonly dryRun: boolean;
  readonly emit: Emit;
}

/** What tasks do on this machine, by the code that packs and builds releases, until a signal ends it. */
export const localWork = ({
  directory,
  scratch,
  localPath,
  dryRun,
  emit,
}: LocalParts): ((signal: AbortSignal) => LocalWork) => {
  let count = 0;
  return (signal) => ({
    run: async (command, { cwd, env, reads = false }) => {
      if (dryRun && !reads) {
        emit({ type: 'notice', level: 'info', message: `local $ ${shellText(command)}` });
        return '';
      }
      const place = cwd === undefined ? directory : localPath(cwd);
      return runLocal({ command, cwd: place, what: 'the local command', ...(env ? { env } : {}) }, emit, signal);
    },
    open: async (written) => {
      const path = localPath(written);
      const found = await stat(path).catch(() => undefined);
      if (found === undefined) throw new UserError(`there is no ${written} on this machine to upload (${path})`);
      if (!found.isDirectory()) return { path, directory: false, close: async () => {} };
      const tar = join(scratch, `upload-${++count}.tar`);
      await writeTar(walkDirectory(path, ignoreRules('')), tar, signal);
      return { path: tar, directory: true, close: () => rm(tar, { force: true }) };
    },
    write: (path, bytes) => writeFile(localPath(path), bytes),
  });
};
