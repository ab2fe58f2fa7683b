import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve, sep } from 'node:path';
import { makeArtifact } from '#artifact/make-artifact.ts';
import { resolveContent } from '#artifact/resolve-content.ts';
import { encodeMetainfo } from '#protocol/metainfo.ts';
import { UserError } from '#recipe/user-error.ts';
import { infoHashOf, torrentOf } from '#swarm/torrent-of.ts';
import { optional } from './arguments.ts';
import type { CreateArguments } from './swarm-arguments.ts';
import type { SwarmResult, SwarmWork } from './swarm-command.ts';
import { writeKey } from './swarm-key.ts';
import { spokenTrackers } from './swarm-torrent.ts';
import { orInterrupted } from './swarm-wait.ts';

/** `deploy swarm create`: writes the .torrent of a file, or of the tar of a directory. */
export const createTorrent = async (args: CreateArguments, { from, tell, signal }: SwarmWork): Promise<SwarmResult> => {
  const path = resolve(from, args.path);
  const torrent = args.out === undefined ? `${path}.torrent` : resolve(from, args.out);
  const [announce, ...others] = spokenTrackers(args.trackers);
  if (announce === undefined)
    throw new UserError('swarm create: name a tracker: --tracker http://HOST:8998/announce', 2);
  if (torrent.startsWith(`${path}${sep}`))
    throw new UserError(
      `swarm create: ${torrent} would become a part of what it describes; choose another place with --out`,
      2,
    );
  const content = await resolveContent(path);
  const key = args.key === undefined ? undefined : await writeKey(args.key, from);
  const scratch = await mkdtemp(join(tmpdir(), 'rookery-'));
  try {
    const artifact = await orInterrupted(
      signal,
      makeArtifact({ source: content, scratch, signal, hosts: MANY, ...NOTHING_ELSE }),
    );
    const described = torrentOf(artifact, content.kind === 'directory' ? `${content.name}.tar` : content.name);
    const metainfo = encodeMetainfo({
      ...{ ...described, announce },
      ...(others.length === 0 ? {} : { announceList: [announce, ...others] }),
      ...(content.kind === 'directory' ? { packed: 'tar' as const } : {}),
    });
    await place(torrent, metainfo);
    const infoHash = infoHashOf(metainfo);
    const { bytes, pieceLength } = artifact;
    const pieces = Math.ceil(bytes / pieceLength);
    tell({
      type: 'swarm-created',
      torrent,
      infoHash,
      bytes,
      pieces,
      pieceLength,
      packed: content.kind === 'directory',
      ...optional('key', key),
    });
    return { infoHash, path: torrent };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};

/** Nobody knows how many will fetch it; from so many on the pieces are those of a large fleet. */
const MANY = 16;

const NOTHING_ELSE = { build: [], now: 0, emit: () => {} };

const place = async (path: string, bytes: Uint8Array): Promise<void> => {
  const part = `${path}.part`;
  try {
    await writeFile(part, bytes);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw new UserError(`swarm create: cannot write ${path}: ${(error as Error).message}`);
  }
};
