import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Emit } from '#protocol/events.ts';
import { choosePieceLength } from '#protocol/metainfo.ts';
import { UserError } from '#recipe/user-error.ts';
import type { Artifact, Packable, ResolvedSource } from './artifact.ts';
import { hashPieces } from './hash-pieces.ts';
import { pointersRemark, watchForPointers } from './lfs-pointers.ts';
import { runLocal } from './run-local.ts';
import { writeTar } from './write-tar.ts';

export interface PackRequest {
  readonly source: ResolvedSource;
  readonly build: readonly string[];
  readonly scratch: string;
  /** How many hosts get it, which decides the size of a piece. */
  readonly hosts: number;
  /** Milliseconds since 1970, for sources without a time of their own. */
  readonly now: number;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/** Builds, packs and hashes the source into the one file that every host gets. @throws UserError */
export const makeArtifact = async (request: PackRequest): Promise<Artifact> => {
  const { source, hosts, now, emit, signal } = request;
  for (const message of (await source.prepare?.()) ?? []) emit({ type: 'notice', level: 'info', message });
  const { path, files } = 'file' in source ? { path: source.file, files: 1 } : await packSource(source, request);
  const pieceLength = choosePieceLength((await stat(path)).size, hosts);
  const hashes = await hashPieces(path, pieceLength, signal);
  return {
    path,
    files,
    pieceLength,
    ...hashes,
    label: source.label,
    revision: source.revision ?? hashes.sha256.slice(0, 40),
    revisionTime: source.revisionTime ?? Math.floor(now / 1000),
  };
};

/** Packs what is not one file already: the same tree gives the same bytes. */
export const packSource = async (
  source: Packable,
  { build, scratch, emit, signal }: Pick<PackRequest, 'build' | 'scratch' | 'emit' | 'signal'>,
): Promise<{ path: string; files: number }> => {
  const path = join(scratch, 'artifact.tar');
  const work = {
    directory: scratch,
    build,
    signal,
    runLocal: async (text: string, cwd: string) => {
      await runLocal({ command: { kind: 'shell', text }, cwd, what: 'the build step' }, emit, signal);
    },
  };
  const pointers: string[] = [];
  const entries = watchForPointers(source.entries(work), (name) => void pointers.push(name));
  const { files } = await writeTar(entries, path, signal);
  if (pointers.length > 0) emit({ type: 'notice', level: 'warning', message: pointersRemark(pointers) });
  if (files === 0) throw new UserError('there is nothing to deploy: the source holds no file that is not ignored');
  return { path, files };
};
