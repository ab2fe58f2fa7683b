import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ArchiveSource, DirSource, Source } from '#config/written-config.ts';
import { UserError } from '#recipe/user-error.ts';
import type { Entry, ResolvedSource, Workplace } from './artifact.ts';
import { gather } from './gather.ts';
import { isRemoteRepository } from './git.ts';
import { resolveGit } from './git-source.ts';
import { IGNORE_FILE, ignoreRules } from './ignore-rules.ts';
import { readIgnoreFile } from './read-ignore-file.ts';
import { openTarFile, readTar } from './read-tar.ts';
import { walkDirectory } from './walk-directory.ts';

export interface SourceRequest {
  readonly source: Source;
  readonly build: readonly string[];
  /** Where relative paths start and builds run: the directory of the config file. */
  readonly directory: string;
  /** A temporary directory for the run. */
  readonly scratch: string;
  readonly localPath: (path: string) => string;
  readonly signal: AbortSignal;
}

/** Finds out what exactly will be deployed, before anything is done on a host. @throws UserError when there is no such thing */
export const resolveSource = (request: SourceRequest): Promise<ResolvedSource> => {
  const { source } = request;
  if (source.kind === 'git') {
    const written = source.repository ?? '.';
    const repository = isRemoteRepository(written) ? written : request.localPath(written);
    return resolveGit({ ...request, source: { ...source, repository } });
  }
  return source.kind === 'dir' ? resolveDir(source, request) : resolveArchive(source, request);
};

const resolveDir = async ({ path }: DirSource, request: SourceRequest): Promise<ResolvedSource> => {
  const directory = request.localPath(path);
  // A build may be what makes the directory; without one it has to be there already.
  if (request.build.length === 0) await expectDirectory(path, directory);
  return {
    label: `Directory ${path}`,
    entries: async function* (work) {
      await buildBeside(request, work);
      await expectDirectory(path, directory);
      yield* walkDirectory(directory, ignoreRules(await readIgnoreFile(directory)));
    },
  };
};

const resolveArchive = async ({ path }: ArchiveSource, request: SourceRequest): Promise<ResolvedSource> => {
  const file = request.localPath(path);
  if (request.build.length === 0) await expectFile(path, file);
  return {
    label: `Archive ${basename(path)}`,
    entries: async function* (work) {
      await buildBeside(request, work);
      await expectFile(path, file);
      yield* archiveEntries(path, file);
    },
  };
};

const archiveEntries = async function* (name: string, file: string): AsyncGenerator<Entry> {
  try {
    const ignored = ignoreRules(await findIgnoreFile(name, file));
    for await (const entry of readTar(openTarFile(file), name)) {
      if (!ignored(entry.name, entry.type === 'directory')) yield entry;
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${name} is not a tar archive that can be read: ${(error as Error).message}`);
  }
};

const findIgnoreFile = async (name: string, file: string): Promise<string | undefined> => {
  for await (const entry of readTar(openTarFile(file), name)) {
    if (entry.name !== IGNORE_FILE || entry.type !== 'file') continue;
    const content = entry.content as NonNullable<Entry['content']>;
    return content instanceof Uint8Array ? Buffer.from(content).toString() : (await gather(content)).toString();
  }
  return undefined;
};

const buildBeside = async ({ directory }: SourceRequest, work: Workplace): Promise<void> => {
  for (const command of work.build) await work.runLocal(command, directory);
};

const expectDirectory = async (written: string, path: string): Promise<void> => {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory())
    throw new UserError(
      `source: the directory ${written} ${found ? 'is not a directory' : 'does not exist'} (${path})`,
      2,
    );
};

const expectFile = async (written: string, path: string): Promise<void> => {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile())
    throw new UserError(`source: the archive ${written} ${found ? 'is not a file' : 'does not exist'} (${path})`, 2);
};
