import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { hashPieces } from '#artifact/hash-pieces.ts';
import type { PeerHandle } from '#peer/start-peer.ts';
import { UserError } from '#recipe/user-error.ts';
import { placeDirectory } from '#release/place-steps.ts';
import { fetchTorrent } from '#swarm/fetch-torrent.ts';
import { findDifference } from '#swarm/find-difference.ts';
import { optional } from './arguments.ts';
import { runHere } from './run-here.ts';
import type { FetchArguments } from './swarm-arguments.ts';
import type { SwarmResult, SwarmWork } from './swarm-command.ts';
import { readKey } from './swarm-key.ts';
import { peerOptions, readTorrentFile, type TorrentFile } from './swarm-torrent.ts';
import { orInterrupted, serve } from './swarm-wait.ts';

/**
 * `deploy swarm fetch`: a verified copy under its final name, or an error. What comes is kept in `<path>.part` until
 * every piece is right; an interrupted fetch leaves that file, and the next one goes on with it.
 */
export const fetchContent = async (args: FetchArguments, work: SwarmWork): Promise<SwarmResult> => {
  const { from, signal, tell } = work;
  const begun = performance.now();
  const path = resolve(from, args.path);
  const torrent = await readTorrentFile(args.torrent, from);
  const options = { ...peerOptions(torrent, args, work), ...(await readKey(args.key, from, work.stdin)) };
  await refuseTarget(path, torrent);
  const there = torrent.packed === undefined && (await orInterrupted(signal, holds(path, torrent)));
  const file = there ? path : await preparePart(path);
  const { length, infoHash } = torrent;
  const patience = { signal, stallTimeout: args.stallTimeout, ...optional('timeout', args.timeout) };
  const peer = await fetchTorrent({ ...options, ...patience, path: file, length }).catch(async (error) => {
    await removeEmpty(file);
    throw error;
  });
  if (!there) await place(file, path, torrent, args.remove).catch((error) => giveUp(peer, error));
  tell({ type: 'swarm-verified', path, bytes: length, seconds: (performance.now() - begun) / 1000 });
  const { downloaded, uploaded } = await serve(peer, signal, args.seedTime);
  return { infoHash, path, downloaded, uploaded };
};

const giveUp = async (peer: PeerHandle, error: Error): Promise<never> => {
  await peer.stop();
  throw error;
};

/** A file without a byte is nothing to go on with. */
const removeEmpty = async (file: string): Promise<void> => {
  if ((await stat(file)).size === 0) await rm(file);
};

const refuseTarget = async (path: string, { packed, name }: TorrentFile): Promise<void> => {
  const found = await stat(path).catch(() => undefined);
  if (packed === undefined && found?.isDirectory())
    throw new UserError(`${path} is a directory: name the file, too, as ${join(path, name)}`, 2);
  if (packed !== undefined && found && !found.isDirectory())
    throw new UserError(`${path} is there and no directory; the torrent is of one`, 2);
};

const holds = async (path: string, torrent: TorrentFile): Promise<boolean> => {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile() || found.size !== torrent.length) return false;
  return findDifference(torrent, await hashPieces(path, torrent.pieceLength)) === undefined;
};

/** The file that the content comes into, made here so that it has the permissions that files of this user have. */
const preparePart = async (path: string): Promise<string> => {
  const part = `${path}.part`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await (await open(part, 'a')).close();
    return part;
  } catch (error) {
    throw new UserError(`cannot write ${part}: ${(error as Error).message}`);
  }
};

/** The peer has the file open, and serves it wherever it is, or is no more. */
const place = async (part: string, path: string, { packed }: TorrentFile, remove: boolean): Promise<void> => {
  try {
    if (packed === undefined) {
      await flush(part);
      await rename(part, path);
    } else {
      await runHere(placeDirectory(part, path, { remove }));
      await rm(part);
    }
  } catch (error) {
    throw new UserError(
      `${basename(part)} is right and whole, but cannot be placed as ${path}: ${(error as Error).message}`,
    );
  }
};

/** A machine that crashes after the rename shall not find a file without content. */
const flush = async (path: string): Promise<void> => {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
};
