import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Metafile } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { decodeReport, encodeControl, type FetchOrder, type PeerOrder, type PeerReport } from '#protocol/control.ts';
import { buildPeerBundle } from '../support/peer-bundle.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';
import { makeTorrent, type TestTorrent } from '../support/torrent.ts';
import { startTestTracker } from '../support/tracker.ts';
import { at, createPeers, type Peers } from './peers.ts';

/** The bundle as a child process. */
interface Program {
  readonly child: ChildProcess;
  order(order: PeerOrder): void;
  /** Resolves with the first report of this kind, past or to come, that fits. */
  until<K extends PeerReport['kind']>(kind: K, fits?: (report: Told<K>) => boolean): Promise<Told<K>>;
  readonly reports: readonly PeerReport[];
  readonly exit: Promise<number | null>;
}

type Told<K extends PeerReport['kind']> = Extract<PeerReport, { kind: K }>;

let dir: string;
let bundle: string;
let metafile: Metafile;
let peers: Peers;
const children: ChildProcess[] = [];

beforeAll(async () => {
  dir = await makeTempDir('bundle');
  ({ path: bundle, metafile } = await buildPeerBundle(dir));
});
afterAll(() => removeTempDir(dir));
beforeEach(async () => {
  peers = await createPeers();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await peers.end();
});

const start = (): Program => {
  const child = spawn(process.execPath, [bundle], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const reports: PeerReport[] = [];
  const waiting: ((report: PeerReport) => void)[] = [];
  createInterface({ input: child.stdout! }).on('line', (line) => {
    const report = decodeReport(line);
    reports.push(report);
    for (const tell of waiting) tell(report);
  });
  return {
    ...{ child, reports },
    order: (order) => void child.stdin?.write(`${encodeControl(order)}\n`),
    until: <K extends PeerReport['kind']>(kind: K, fits: (report: Told<K>) => boolean = () => true) =>
      new Promise<Told<K>>((resolve) => {
        const tell = (report: PeerReport): void => {
          if (report.kind === kind && fits(report as Told<K>)) resolve(report as Told<K>);
        };
        reports.forEach(tell);
        waiting.push(tell);
      }),
    exit: once(child, 'close').then(([code]) => code as number | null),
  };
};

const fetchOrder = ({ metainfo, sha256 }: TestTorrent, path: string, announce: readonly string[] = []): FetchOrder => ({
  ...{ kind: 'fetch', sha256, path, announce, ports: [0, 0], listen: '127.0.0.1' },
  metainfo: Buffer.from(metainfo).toString('base64'),
});

describe('the bundle', () => {
  test('holds nothing but the ground and bencode', () => {
    const foreign = Object.keys(metafile.inputs).filter(
      (path) => !/^src\/(peer|torrent|protocol)\/|^node_modules\/(bencode|uint8-util|base64-arraybuffer)\//.test(path),
    );
    expect(foreign).toEqual([]);
  });

  test('is under 150 kB', async () => {
    expect((await stat(bundle)).size).toBeLessThan(150_000);
  });
});

describe('the program', () => {
  test.each(['in the clear', 'with a key'])(
    'says hello, fetches %s, verifies, and stops when told, with exit code 0',
    async (how) => {
      const torrent = makeTorrent(3_000_000);
      const key = Buffer.alloc(32, 5);
      const seeder = await peers.seed(torrent, how === 'with a key' ? { key } : {});
      const path = peers.path();
      const program = start();
      expect((await program.until('hello')).node).toBe(process.versions.node);
      program.order({ ...fetchOrder(torrent, path), ...(how === 'with a key' ? { key: key.toString('base64') } : {}) });
      program.order({ kind: 'peers', peers: [at(seeder)] });
      expect(await program.until('verified')).toMatchObject({ bytes: 3_000_000 });
      program.order({ kind: 'stop' });
      expect(await program.exit).toBe(0);
      expect(program.reports.at(-1)).toMatchObject({ kind: 'stopped' });
      expect(torrent.content.equals(await readFile(path))).toBe(true);
    },
  );

  test('says goodbye to the tracker when told to stop, even if stdin closes right after', async () => {
    const tracker = await startTestTracker();
    const started = tracker.next('start');
    const program = start();
    program.order(fetchOrder(makeTorrent(100_000), peers.path(), [tracker.url]));
    await started;
    await program.until('listening');
    const stopped = tracker.next('stop');
    program.order({ kind: 'stop' });
    program.child.stdin?.end();
    await stopped;
    expect(await program.exit).toBe(0);
    expect(program.reports.at(-1)?.kind).toBe('stopped');
    await tracker.close();
  });

  test.each(['stopped', 'killed'] as const)('that was %s goes on with what its file holds', async (how) => {
    const torrent = makeTorrent(4_000_000, 65_536, undefined, { sha256Pieces: true });
    const half = peers.path();
    await writeFile(half, torrent.content.subarray(0, 2_000_000));
    const [some, all] = [await peers.leech(torrent, { path: half }), await peers.seed(torrent)];
    const pieces = Math.floor(2_000_000 / 65_536);
    const path = peers.path();
    const first = start();
    first.order(fetchOrder(torrent, path));
    first.order({ kind: 'peers', peers: [at(some)] });
    await first.until('progress', (told) => told.pieces === pieces);
    if (how === 'stopped') first.order({ kind: 'stop' });
    else first.child.kill('SIGKILL');
    await first.exit;
    const second = start();
    second.order(fetchOrder(torrent, path));
    const kept = (await second.until('progress')).pieces;
    if (how === 'stopped') expect(kept).toBe(pieces);
    second.order({ kind: 'peers', peers: [at(some), at(all)] });
    const { downloaded } = await second.until('verified');
    expect(downloaded).toBeLessThan(4_000_000 - kept * 65_536 + 500_000);
    expect(torrent.content.equals(await readFile(path))).toBe(true);
  });

  test('ends when stdin closes, before any order and in the middle of a transfer', async () => {
    const idle = start();
    await idle.until('hello');
    idle.child.stdin?.end();
    await idle.exit;
    const busy = start();
    busy.order(fetchOrder(makeTorrent(100_000), peers.path()));
    await busy.until('listening');
    busy.child.stdin?.end();
    await busy.exit;
  });

  test('ends when the one that started it is killed', async () => {
    const code = `const child = require('node:child_process').spawn(process.execPath, [${JSON.stringify(bundle)}], { stdio: ['pipe', 'pipe', 2] });
      child.stdout.once('data', () => console.log(child.pid));`;
    const parent = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'pipe'] });
    children.push(parent);
    const [pid] = await once(parent.stdout, 'data');
    expect(() => process.kill(Number(pid), 0)).not.toThrow();
    const gone = once(parent.stderr, 'close'); // the peer holds it open as long as it lives
    parent.stderr.resume();
    parent.kill('SIGKILL');
    await gone;
  });

  test.each([
    ['a line that is no order', 'nonsense'],
    ['peers before fetch', encodeControl({ kind: 'peers', peers: [] })],
    ['metainfo that is none', encodeControl({ ...fetchOrder(makeTorrent(10), '/nowhere/x'), metainfo: 'AAAA' })],
    ['a path that cannot be', encodeControl(fetchOrder(makeTorrent(10), '/nowhere/x'))],
  ])('fails with `order` and exit code 1 on %s', async (_, line) => {
    const program = start();
    program.child.stdin?.write(`${line}\n`);
    expect(await program.until('failed')).toMatchObject({ code: 'order' });
    expect(await program.exit).toBe(1);
  });

  test('fails with exit code 1 when the whole is not what was ordered', async () => {
    const torrent = makeTorrent(100_000);
    const seeder = await peers.seed(torrent);
    const program = start();
    program.order({ ...fetchOrder(torrent, peers.path()), sha256: 'f'.repeat(64) });
    program.order({ kind: 'peers', peers: [at(seeder)] });
    expect(await program.until('failed')).toMatchObject({ code: 'verify' });
    expect(await program.exit).toBe(1);
  });
});
