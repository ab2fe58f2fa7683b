import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { hashPieces } from '#artifact/hash-pieces.ts';
import { packSource } from '#artifact/make-artifact.ts';
import { resolveContent } from '#artifact/resolve-content.ts';
import { startPeer } from '#peer/start-peer.ts';
import { UserError } from '#recipe/user-error.ts';
import { toUserError } from '#swarm/fetch-torrent.ts';
import { findDifference } from '#swarm/find-difference.ts';
import type { SeedArguments } from './swarm-arguments.ts';
import type { SwarmResult, SwarmWork } from './swarm-command.ts';
import { readKey } from './swarm-key.ts';
import { peerOptions, readTorrentFile, type TorrentFile } from './swarm-torrent.ts';
import { orInterrupted, serve } from './swarm-wait.ts';

/** `deploy swarm seed`: serves content that is here, once it is known to be the right one; a directory as the tar that `create` made of it. */
export const seed = async (args: SeedArguments, work: SwarmWork): Promise<SwarmResult> => {
  const torrent = await readTorrentFile(args.torrent, work.from);
  const options = { ...peerOptions(torrent, args, work), ...(await readKey(args.key, work.from, work.stdin)) };
  const scratch = await mkdtemp(join(tmpdir(), 'rookery-'));
  try {
    const path = await orInterrupted(work.signal, findContent(resolve(work.from, args.path), torrent, scratch, work));
    const peer = await startPeer({ ...options, path, complete: true }).catch((error) => {
      throw toUserError(error);
    });
    const { uploaded } = await serve(peer, work.signal, args.seedTime);
    return { infoHash: torrent.infoHash, uploaded };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};

/** The one file that holds the content. @throws UserError where it is another content */
const findContent = async (
  path: string,
  torrent: TorrentFile,
  scratch: string,
  { signal }: SwarmWork,
): Promise<string> => {
  const content = await resolveContent(path);
  if (content.kind === 'directory' && torrent.packed === undefined)
    throw new UserError(`${path} is a directory, the torrent is of the file ${torrent.name}`, 2);
  const file =
    content.kind === 'file' ? path : (await packSource(content, { scratch, signal, build: [], emit: () => {} })).path;
  const difference = findDifference(torrent, await hashPieces(file, torrent.pieceLength));
  if (difference === undefined) return file;
  if (content.kind === 'file') throw new UserError(`${path} is not the content of the torrent: ${difference}`);
  throw new UserError(
    `${path}, packed, is not the content of the torrent: ${difference}. Names, times and permissions count, too`,
  );
};
