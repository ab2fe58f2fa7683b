import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { PeerAddress, PeerReport } from '#protocol/control.ts';
import type { Place } from '#torrent/zone.ts';
import { startAnnouncer, type TrackerAnswer } from './announcer.ts';
import { type DiskStore, openStore } from './disk-store.ts';
import { createDriver } from './driver.ts';
import { createFirstTries } from './first-tries.ts';
import { createLinks } from './links.ts';
import { startListener } from './listener.ts';
import { createNaps, sleepSoundly } from './nap.ts';
import { PeerError, toPeerError } from './peer-error.ts';
import { readTorrent, type TorrentIdentity } from './torrent-identity.ts';
import { type Mismatch, type Transport, transportOf } from './transport.ts';
import { createTurn } from './turn.ts';

export interface PeerOptions {
  /** The .torrent file. */
  readonly metainfo: Uint8Array;
  /** The file that holds or receives the content. */
  readonly path: string;
  /**
   * SHA-256 of the whole content, hex. Not looked at where the content is `complete` or the .torrent says the SHA-256 of
   * every piece; left out, only pieces are verified.
   */
  readonly sha256?: string;
  /** The deployer's seeder: the file is known to be whole and right, is only read, and each piece handed out once. Default false. */
  readonly complete?: boolean;
  /** Tracker URLs. */
  readonly announce: readonly string[];
  /** Neighbours are named by `addPeers`; those of the trackers are called only when there are few. Default false. */
  readonly introduced?: boolean;
  /** First and last port to try, 0-0 for any. */
  readonly ports: readonly [number, number];
  /** Address to bind to; default: all. */
  readonly listen?: string;
  /** Address that the trackers are told; default: they use the one they see. */
  readonly address?: string;
  /** Where this peer is: each piece shall come into its zone once. Default: zones are of no matter. */
  readonly zone?: Place;
  /** 32 bytes that only members of the swarm have: it is encrypted, and nobody else can take part. Default: it is open to everybody. */
  readonly key?: Uint8Array;
  /** The program does nothing else, and may sleep while packets gather. Default false. */
  readonly naps?: boolean;
  /** Takes reports as they happen: every kind but `hello`. */
  readonly report?: (report: PeerReport) => void;
  /** Takes what became of every announce. */
  readonly answered?: (answer: TrackerAnswer) => void;
  /** Takes who is none of this swarm, each time that it calls or is called. */
  readonly strange?: (stranger: Stranger) => void;
}

/** Somebody there is no speaking with; the port is known where we called. */
export interface Stranger {
  readonly host: string;
  readonly port?: number;
  readonly mismatch: Mismatch;
}

/** A running peer. */
export interface PeerHandle {
  readonly port: number;
  progress(): PeerProgress;
  /** Neighbours to connect to, in addition to those of the trackers. */
  addPeers(peers: readonly PeerAddress[]): void;
  /** URLs of trackers to announce to from now on, in addition to the first. */
  addTrackers(urls: readonly string[]): void;
  /** Takes a neighbour's connection that has come another way than by our port. */
  take(connection: Duplex): void;
  /** Resolves when every piece and the whole are right and on disk; never if the peer fails. */
  readonly verified: Promise<void>;
  /** Resolves with the reason when the peer has given up; never otherwise. */
  readonly failed: Promise<PeerError>;
  /** Says goodbye to trackers and neighbours, closes everything and resolves to the last progress. */
  stop(): Promise<PeerProgress>;
}

/** Verified pieces and their bytes, payload bytes moved, neighbours connected, bytes in the hash of the whole. */
export type PeerProgress = Omit<Extract<PeerReport, { kind: 'progress' }>, 'kind'>;

/**
 * Starts a peer: verifies what the file holds, listens, announces, fetches what is missing and serves what is there
 * until it is stopped. @throws PeerError when it cannot start, ProtocolError when `metainfo` is not a .torrent file.
 */
export const startPeer = async (options: PeerOptions): Promise<PeerHandle> => {
  const torrent = readTorrent(options.metainfo);
  const { geometry, proof } = torrent;
  const { path, complete = false } = options;
  const hashesWhole = needsWhole(options, torrent);
  const store = await openStore({ path, geometry, proof, complete, hashesWhole }).catch((error) => {
    throw toPeerError(error);
  });
  try {
    return await runPeer(options, torrent, store, await transportOf(options.key));
  } catch (error) {
    await store.close();
    throw error;
  }
};

/** Whether the whole is to be hashed: it is right when each of its pieces has the SHA-256 that came over SSH. */
const needsWhole = ({ complete, sha256 }: PeerOptions, { proof }: TorrentIdentity): boolean =>
  complete !== true && sha256 !== undefined && proof.algorithm !== 'sha256';

const checkWhole = async ({ path, sha256 }: PeerOptions, store: DiskStore): Promise<void> => {
  const actual = await store.hashAll();
  if (actual !== sha256) throw new PeerError('verify', `SHA-256 of ${path} is ${actual}, not ${sha256}`);
};

const TICK_MS = 100;
const PROGRESS_MS = 250;

/** A peer that has so few connections after this time calls whom the trackers name, introduced or not. */
const FEW_LINKS = 8;
const LONELY_MS = 2000;

const runPeer = async (
  options: PeerOptions,
  torrent: TorrentIdentity,
  store: DiskStore,
  transport: Transport,
): Promise<PeerHandle> => {
  const { geometry, hello } = torrent;
  const { report = () => {} } = options;
  const now = (): number => performance.now();
  const random = Math.random;
  const started = now();
  const [verified, verify] = promised<void>();
  const [failed, giveUp] = promised<PeerError>();
  const key = randomBytes(4).toString('hex');
  let ended: Promise<void> | undefined;
  let told = '';
  let toldAt = started;
  let strangers: readonly PeerAddress[] = []; // the trackers' peers

  const driver = createDriver({
    ...{ geometry, store, random, now, links: () => links, handsOut: options.complete === true },
    ...(options.zone ? { place: options.zone } : {}),
    onComplete: () => void finish(),
    onFailure: (error) => void fail(error),
  });
  const left = (): number => geometry.length - progress().bytes;
  const napping = { now, left, links: () => links.count(), sleep: sleepSoundly };
  const turn = createTurn(options.naps === true ? createNaps(napping) : undefined);
  const tries = createFirstTries(report);
  const said = options.zone ? { zone: options.zone.name } : {};
  const links = createLinks({
    ...{ ...torrent, ...said, transport, turn, random, now, tries, onEvent: driver.handle },
    onStranger: (host, mismatch, port) =>
      options.strange?.({ host, mismatch, ...(port === undefined ? {} : { port }) }),
  });
  const listener = await startListener({ ...options, random, onSocket: links.take });

  const progress = (): PeerProgress => {
    const { have, totals } = driver.swarm;
    const last = geometry.pieces - 1;
    const short = last >= 0 && have.has(last) ? geometry.pieceLength - geometry.pieceSize(last) : 0;
    const { hashed } = store;
    return { pieces: have.count, bytes: have.count * geometry.pieceLength - short, ...totals, hashed };
  };

  const tell = (): void => {
    const value: PeerReport = { kind: 'progress', ...progress() };
    if (told !== JSON.stringify(value)) report(value);
    told = JSON.stringify(value);
    toldAt = now();
  };

  const announcer = startAnnouncer({
    trackers: options.announce,
    onAnswer: (answer) => options.answered?.(answer),
    onPeers: (peers) => {
      strangers = peers;
      if (options.introduced !== true) links.addPeers(peers);
    },
    query: () => {
      const { bytes, downloaded, uploaded } = progress();
      const { infoHash, peerId } = hello;
      const ip = options.address === undefined ? {} : { ip: options.address };
      return { infoHash, peerId, port: listener.port, uploaded, downloaded, left: geometry.length - bytes, key, ...ip };
    },
  });

  const ticker = setInterval(() => {
    driver.handle({ type: 'tick' });
    if (links.count() < FEW_LINKS && now() - started > LONELY_MS) links.addPeers(strangers);
    else links.callDue();
    if (now() - toldAt >= PROGRESS_MS) tell();
  }, TICK_MS);

  const end = async (): Promise<void> => {
    clearInterval(ticker);
    tries.stop();
    listener.close();
    links.closeAll();
    await announcer.stop();
    await store.close();
  };

  const fail = async (error: unknown): Promise<void> => {
    if (ended !== undefined) return;
    ended = end();
    await ended;
    const reason = toPeerError(error);
    tell();
    report({ kind: 'failed', code: reason.code, message: reason.message });
    giveUp(reason);
  };

  /** Every piece is here: the whole must be right too before anybody is told. */
  const finish = async (): Promise<void> => {
    try {
      announcer.completed();
      await store.flush();
      if (needsWhole(options, torrent)) await checkWhole(options, store);
      tell();
      const { bytes, downloaded, uploaded } = progress();
      report({ kind: 'verified', bytes, downloaded, uploaded, seconds: (now() - started) / 1000 });
      verify();
    } catch (error) {
      await fail(error);
    }
  };

  report({ kind: 'listening', port: listener.port });
  tell();
  if (store.have.count === geometry.pieces) void finish();
  return {
    ...{ port: listener.port, progress, verified, failed },
    addPeers: (peers) => {
      tries.watch(peers);
      links.addPeers(peers);
    },
    addTrackers: announcer.add,
    take: links.take,
    stop: async () => {
      ended ??= end();
      await ended;
      return progress();
    },
  };
};

const promised = <T>(): [Promise<T>, (value: T) => void] => {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return [promise, resolve];
};
