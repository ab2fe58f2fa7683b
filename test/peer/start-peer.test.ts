import { readFile, stat, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PeerError } from '#peer/peer-error.ts';
import type { PeerReport } from '#protocol/control.ts';
import { decodeMetainfo, encodeMetainfo } from '#protocol/metainfo.ts';
import { makeTorrent } from '../support/torrent.ts';
import { startTestTracker, type TestTracker } from '../support/tracker.ts';
import { at, createPeers, finished, type Peers } from './peers.ts';

let peers: Peers;
let tracker: TestTracker;

beforeEach(async () => {
  peers = await createPeers();
  tracker = await startTestTracker();
});

afterEach(async () => {
  await peers.end();
  await tracker.close();
});

describe('a swarm', () => {
  test('of a seeder and five leechers that only know the tracker ends with five right copies', async () => {
    const torrent = makeTorrent(5_000_000);
    const announce = [tracker.url];
    await peers.seed(torrent, { announce });
    const paths = Array.from({ length: 5 }, peers.path);
    const leechers = await Promise.all(paths.map((path) => peers.leech(torrent, { announce, path })));
    await Promise.all(leechers.map(finished));
    for (const path of paths) expect(torrent.content.equals(await readFile(path))).toBe(true);
  });

  test('announces to a tracker that is named later, too', async () => {
    const leecher = await peers.leech(makeTorrent(100_000), { announce: ['http://127.0.0.1:1/announce'] });
    const announced = tracker.next('start');
    leecher.addTrackers([tracker.url]);
    await announced;
  });

  test('needs no tracker where neighbours are told, and a dead tracker does not matter then', async () => {
    const torrent = makeTorrent(3_000_000);
    const seeder = await peers.seed(torrent, { announce: ['http://127.0.0.1:1/announce'] });
    const leechers = await Promise.all(
      [1, 2, 3].map(() => peers.leech(torrent, { announce: ['http://127.0.0.1:1/announce'] })),
    );
    for (const leecher of leechers) leecher.addPeers([at(seeder), ...leechers.map(at)]);
    await Promise.all(leechers.map(finished));
    const total = leechers.reduce((sum, leecher) => sum + leecher.progress().uploaded, seeder.progress().uploaded);
    expect(total).toBeGreaterThanOrEqual(3 * torrent.content.length);
    for (const leecher of leechers) expect(leecher.progress().downloaded).toBeLessThan(1.2 * torrent.content.length);
  });

  test('parts when everybody has everything', async () => {
    const torrent = makeTorrent(500_000);
    const seeder = await peers.seed(torrent);
    const gone = new Promise<void>((resolve) => {
      void peers
        .leech(torrent, {
          report: (report) => void (report.kind === 'progress' && report.pieces > 0 && report.peers === 0 && resolve()),
        })
        .then((leecher) => leecher.addPeers([at(seeder)]));
    });
    await gone;
  });

  test('finds the leecher that calls nobody, and one piece is content enough', async () => {
    const torrent = makeTorrent(100, 16_384);
    const seeder = await peers.seed(torrent);
    const leecher = await peers.leech(torrent);
    seeder.addPeers([at(leecher)]);
    await finished(leecher);
  });

  test('two that call each other at the same time keep one connection', async () => {
    const torrent = makeTorrent(20_000_000);
    const left = await peers.seed(torrent);
    const right = await peers.leech(torrent);
    left.addPeers([at(right), at(left)]);
    right.addPeers([at(left), at(right)]);
    await finished(right);
    expect(right.progress().downloaded).toBeLessThan(torrent.content.length * 1.1);
  });
});

describe('a peer', () => {
  test('drops a neighbour that sends wrong pieces, and fetches them elsewhere', async () => {
    const torrent = makeTorrent(2_000_000);
    const lies = { ...torrent, content: Buffer.alloc(torrent.content.length, 7) };
    let tellLie: () => void = () => {};
    const lied = new Promise<void>((resolve) => {
      tellLie = resolve;
    });
    const liar = await peers.seed(lies, {
      report: (report) => void (report.kind === 'progress' && report.uploaded > 0 && tellLie()),
    });
    const seeder = await peers.seed(torrent);
    const path = peers.path();
    const leecher = await peers.leech(torrent, { path });
    leecher.addPeers([at(liar)]);
    await lied;
    leecher.addPeers([at(seeder)]);
    await finished(leecher);
    expect(torrent.content.equals(await readFile(path))).toBe(true);
    expect(leecher.progress().downloaded).toBeGreaterThan(torrent.content.length);
  });

  test('verifies a partial file, keeps what is right and fetches only the rest', async () => {
    const torrent = makeTorrent(4_000_000, 65_536);
    const path = peers.path();
    const partial = Buffer.from(torrent.content.subarray(0, 3_000_000));
    partial.fill(0, 100_000, 200_000); // spoils pieces 1, 2 and 3
    await writeFile(path, partial);
    const seeder = await peers.seed(torrent);
    const leecher = await peers.leech(torrent, { path });
    expect(leecher.progress().pieces).toBe(Math.floor(3_000_000 / 65_536) - 3);
    leecher.addPeers([at(seeder)]);
    await finished(leecher);
    expect(torrent.content.equals(await readFile(path))).toBe(true);
    expect(leecher.progress().downloaded).toBeLessThan(1_500_000);
  });

  test('has nothing to fetch where the file is whole, and cuts one that is too long', async () => {
    const torrent = makeTorrent(300_000);
    const path = peers.path();
    await writeFile(path, Buffer.concat([torrent.content, Buffer.alloc(1000)]));
    const peer = await peers.leech(torrent, { path });
    await finished(peer);
    expect((await stat(path)).size).toBe(300_000);
    expect(peer.progress().downloaded).toBe(0);
  });

  test('gives up with `verify` when the whole is not what was ordered', async () => {
    const torrent = makeTorrent(300_000);
    const seeder = await peers.seed(torrent);
    const reports: PeerReport[] = [];
    const peer = await peers.leech(torrent, { sha256: '0'.repeat(64), report: (report) => void reports.push(report) });
    peer.addPeers([at(seeder)]);
    expect((await peer.failed).code).toBe('verify');
    expect(reports.at(-1)).toMatchObject({ kind: 'failed', code: 'verify' });
    expect(reports.some(({ kind }) => kind === 'verified')).toBe(false);
  });

  test('needs no hash of the whole where the .torrent says the SHA-256 of every piece', async () => {
    const torrent = makeTorrent(1_000_000, 65_536, undefined, { sha256Pieces: true });
    const path = peers.path();
    const partial = Buffer.from(torrent.content.subarray(0, 500_000));
    partial.fill(0, 100_000, 100_010); // spoils piece 1
    await writeFile(path, partial);
    const seeder = await peers.seed(torrent);
    const leecher = await peers.leech(torrent, { path, sha256: '0'.repeat(64) });
    expect(leecher.progress().pieces).toBe(Math.floor(500_000 / 65_536) - 1);
    leecher.addPeers([at(seeder)]);
    await finished(leecher);
    expect(torrent.content.equals(await readFile(path))).toBe(true);
    expect(leecher.progress().hashed).toBe(0);
  });

  test('refuses a piece whose SHA-1 is right and whose SHA-256 is not', async () => {
    const torrent = makeTorrent(60_000);
    const other = decodeMetainfo(makeTorrent(60_000, undefined, undefined, { sha256Pieces: true }).metainfo);
    const seeder = await peers.seed(torrent);
    const refused = new Promise<void>((resolve) => {
      const report = (told: PeerReport): void => {
        if (told.kind === 'progress' && told.downloaded > 0 && told.peers === 0) resolve();
      };
      const metainfo = encodeMetainfo({ ...decodeMetainfo(torrent.metainfo), pieceSha256: other.pieceSha256! });
      void peers.leech(torrent, { metainfo, report }).then((leecher) => leecher.addPeers([at(seeder)]));
    });
    await refused;
  });

  test('reports listening, progress at the start and the end, then verified', async () => {
    const torrent = makeTorrent(300_000);
    const seeder = await peers.seed(torrent);
    const reports: PeerReport[] = [];
    const peer = await peers.leech(torrent, { report: (report) => void reports.push(report) });
    peer.addPeers([at(seeder)]);
    await finished(peer);
    expect(reports[0]).toEqual({ kind: 'listening', port: peer.port });
    expect(reports[1]).toEqual({
      kind: 'progress',
      pieces: 0,
      bytes: 0,
      downloaded: 0,
      uploaded: 0,
      peers: 0,
      hashed: 0,
    });
    expect(reports.at(-2)).toMatchObject({
      kind: 'progress',
      pieces: Math.ceil(torrent.content.length / torrent.pieceLength),
      bytes: 300_000,
      downloaded: 300_000,
      hashed: 300_000,
    });
    expect(reports.at(-1)).toMatchObject({ kind: 'verified', bytes: 300_000, downloaded: 300_000 });
  });

  test('tells the tracker that it starts, completes and stops', async () => {
    const torrent = makeTorrent(300_000);
    const announce = [tracker.url];
    const seeder = await peers.seed(torrent);
    const known = tracker.next('start');
    const peer = await peers.leech(torrent, { announce });
    await known;
    const completed = tracker.next('complete');
    peer.addPeers([at(seeder)]);
    await completed;
    await peer.stop();
    expect(tracker.told).toEqual(['start', 'complete', 'stop']);
  });

  test('takes the next port of its range where one is taken, and fails with `listen` when all are', async () => {
    const torrent = makeTorrent(100_000);
    const { port } = await peers.seed(torrent);
    const taken = peers.leech(torrent, { ports: [port, port] });
    await expect(taken).rejects.toSatisfy((error) => error instanceof PeerError && error.code === 'listen');
  });

  test('fails at the start with `order` where its directory is missing, and with `verify` where a seeder lacks content', async () => {
    const torrent = makeTorrent(100_000);
    const nowhere = peers.leech(torrent, { path: `${peers.dir}/missing/file` });
    await expect(nowhere).rejects.toMatchObject({ code: 'order' });
    const path = peers.path();
    await writeFile(path, 'short');
    await expect(peers.seed(torrent, { path })).rejects.toMatchObject({ code: 'verify' });
  });
});
