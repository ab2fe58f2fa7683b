import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { TrackerAnswer } from '#peer/announcer.ts';
import type { PeerOptions, PeerProgress, Stranger } from '#peer/start-peer.ts';
import { decodeMetainfo, type Metainfo, trackersOf } from '#protocol/metainfo.ts';
import { ProtocolError } from '#protocol/protocol-error.ts';
import { UserError } from '#recipe/user-error.ts';
import { infoHashOf } from '#swarm/torrent-of.ts';
import { optional } from './arguments.ts';
import type { PeerArguments } from './swarm-arguments.ts';
import type { SwarmWork } from './swarm-command.ts';

/** A .torrent file that was read. */
export interface TorrentFile extends Metainfo {
  readonly metainfo: Uint8Array;
  readonly infoHash: string;
}

/** Reads a .torrent file. @throws UserError, exit code 2, where there is none that can be used */
export const readTorrentFile = async (written: string, from: string): Promise<TorrentFile> => {
  const path = resolve(from, written);
  const metainfo = await readFile(path).catch((error: Error) => {
    throw new UserError(`cannot read the .torrent ${path}: ${error.message}`, 2);
  });
  try {
    return { ...decodeMetainfo(metainfo), metainfo, infoHash: infoHashOf(metainfo) };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new UserError(`${path} is no .torrent of one file: ${error.message}`, 2);
  }
};

/** Tracker URLs as they were written. @throws UserError for one that no part of ours would speak to */
export const spokenTrackers = (urls: readonly string[]): readonly string[] => {
  const bad = urls.find((url) => !isSpoken(url));
  if (bad !== undefined) throw new UserError(`swarm: --tracker must be an http:// URL, is '${bad}'`, 2);
  return urls;
};

/** How a peer of `seed` and `fetch` takes part: its trackers, its port, and what it tells. @throws UserError without a tracker to ask */
export const peerOptions = (
  torrent: TorrentFile,
  args: PeerArguments,
  { tell }: SwarmWork,
): Omit<PeerOptions, 'path'> & { report: NonNullable<PeerOptions['report']> } => {
  const named = args.trackers.length > 0 ? spokenTrackers(args.trackers) : trackersOf(torrent);
  const announce = named.filter(isSpoken);
  if (announce.length === 0)
    throw new UserError(
      `${args.torrent} names no http:// tracker${named.length > 0 ? ` but ${named.join(', ')}` : ''}: name one with --tracker`,
      2,
    );
  return {
    ...{ metainfo: torrent.metainfo, announce, ports: args.ports },
    ...optional('listen', args.listen),
    ...optional('address', args.address),
    answered: tellOfTrackers(tell),
    strange: tellOfStrangers(tell),
    report: (report) => {
      if (report.kind === 'listening') tell({ type: 'swarm-listening', port: report.port });
      if (report.kind === 'progress') tell({ type: 'transfer-progress', ...progressOf(report, torrent.length) });
    },
  };
};

/** The figures of a peer for the output. */
const progressOf = ({ pieces, bytes, downloaded, uploaded, peers }: PeerProgress, length: number) => ({
  ...{ pieces, bytes, length, downloaded, uploaded, peers },
});

/** A tracker that does not answer is told once, and again when it has answered in between. */
const tellOfTrackers = (tell: SwarmWork['tell']) => {
  const failing = new Set<string>();
  return (answer: TrackerAnswer): void => {
    const { url } = answer;
    if (!('failure' in answer)) failing.delete(url);
    else if (!failing.has(url)) {
      failing.add(url);
      tell({ type: 'notice', level: 'warning', message: `${url}: ${answer.failure}; it is asked again` });
    }
  };
};

/** Who cannot be spoken with is told once. */
const tellOfStrangers = (tell: SwarmWork['tell']) => {
  const told = new Set<string>();
  return ({ host, mismatch }: Stranger): void => {
    if (mismatch === 'hung-up' || told.has(`${host} ${mismatch}`) || told.size >= MOST_STRANGERS) return;
    told.add(`${host} ${mismatch}`);
    tell({ type: 'notice', level: 'warning', message: `${host} refused: ${MISMATCH_WORDS[mismatch]}` });
  };
};

/** Who is called by the whole internet need not hear of all of it. */
const MOST_STRANGERS = 100;

const MISMATCH_WORDS = {
  'other-key': 'it has another key',
  plain: 'it does not encrypt, or is no peer; peers of this swarm are started with --key',
  encrypted: 'it has a key, and this peer has none: bring the key file here, and name it with --key',
} as const;

const isSpoken = (url: string): boolean => /^http:\/\//i.test(url) && URL.canParse(url);
