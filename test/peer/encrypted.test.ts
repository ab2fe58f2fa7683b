import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Stranger } from '#peer/start-peer.ts';
import { readTorrent } from '#peer/torrent-identity.ts';
import { encodeHandshake } from '#protocol/handshake.ts';
import { makeTorrent } from '../support/torrent.ts';
import { at, createPeers, finished, type Peers } from './peers.ts';

let peers: Peers;
const key = randomBytes(32);
const sockets: Socket[] = [];

beforeEach(async () => {
  peers = await createPeers();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await peers.end();
});

const call = (port: number): Socket => {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  sockets.push(socket);
  return socket;
};

/** Collects strangers; `next` resolves with the first, past or to come, that fits. */
const watch = () => {
  const told: Stranger[] = [];
  let look = (): void => {};
  return {
    told,
    strange: (stranger: Stranger) => {
      told.push(stranger);
      look();
    },
    next: (mismatch: Stranger['mismatch']) =>
      new Promise<Stranger>((resolve) => {
        const found = () => told.find((stranger) => stranger.mismatch === mismatch);
        look = () => found() && resolve(found()!);
        look();
      }),
  };
};

describe('a swarm with a key', () => {
  test('of a seeder and three leechers ends with three right copies, and nothing can be read on the way', async () => {
    const torrent = makeTorrent(6_000_000);
    const seeder = await peers.seed(torrent, { key });
    const seen: Buffer[] = [];
    const relay = createServer((near) => {
      const far = call(seeder.port);
      near.on('error', () => {}).on('close', () => far.destroy());
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        from.on('data', (bytes: Buffer) => void seen.push(bytes));
        from.pipe(to);
      }
    }).listen(0, '127.0.0.1');
    await once(relay, 'listening');
    const paths = [peers.path(), peers.path(), peers.path()];
    const leechers = await Promise.all(paths.map((path) => peers.leech(torrent, { key, path })));
    const via = { host: '127.0.0.1', port: (relay.address() as AddressInfo).port };
    for (const leecher of leechers) leecher.addPeers([via, ...leechers.map(at)]);
    await Promise.all(leechers.map(finished));
    relay.close();
    for (const path of paths) expect(torrent.content.equals(await readFile(path))).toBe(true);
    const wire = Buffer.concat(seen);
    expect(wire.length).toBeGreaterThan(torrent.content.length);
    for (const readable of ['BitTorrent protocol', 'Rookery', key, torrent.content.subarray(0, 32)])
      expect(wire.includes(readable)).toBe(false);
  });

  test('names who has another key, on both ends, and who has none, on both ends', async () => {
    const torrent = makeTorrent(1_000_000);
    const [seen, others, open] = [watch(), watch(), watch()];
    const seeder = await peers.seed(torrent, { key, strange: seen.strange });
    const wrong = await peers.leech(torrent, { key: randomBytes(32), strange: others.strange });
    wrong.addPeers([at(seeder)]);
    expect(await seen.next('other-key')).toEqual({ host: '127.0.0.1', mismatch: 'other-key' });
    expect(await others.next('other-key')).toEqual({ ...at(seeder), mismatch: 'other-key' });
    const plain = await peers.leech(torrent, { strange: open.strange });
    plain.addPeers([at(seeder)]);
    expect(await seen.next('plain')).toEqual({ host: '127.0.0.1', mismatch: 'plain' });
    expect(await open.next('hung-up')).toEqual({ ...at(seeder), mismatch: 'hung-up' });
    seeder.addPeers([at(plain)]);
    expect(await open.next('encrypted')).toEqual({ host: '127.0.0.1', mismatch: 'encrypted' });
    expect(await seen.next('hung-up')).toEqual({ ...at(plain), mismatch: 'hung-up' });
    expect(seeder.progress().uploaded).toBe(0);
  });

  test('gives nothing to who only probes, and who knocks without end keeps nobody out', async () => {
    const torrent = makeTorrent(1_000_000);
    const seeder = await peers.seed(torrent, { key });
    const { hello } = readTorrent(torrent.metainfo); // the right info hash
    const prober = call(seeder.port);
    const heard: Buffer[] = [];
    prober.on('data', (bytes) => void heard.push(bytes));
    prober.write(encodeHandshake(hello));
    await once(prober, 'close');
    expect(Buffer.concat(heard).length).toBe(0);
    const leecher = await peers.leech(torrent, { key });
    const knocking = Array.from({ length: 200 }, () => call(seeder.port)); // more than a peer has room for; none says a word
    await Promise.all(knocking.map((socket) => once(socket, 'connect')));
    leecher.addPeers([at(seeder)]);
    await finished(leecher);
    const waiting = knocking.filter((socket) => !socket.closed); // so room was not made by those who had to go after five seconds
    expect(waiting.length).toBeGreaterThan(100);
  });

  test('takes what comes another way than by a socket, and closes it with the peer', async () => {
    const torrent = makeTorrent(1_000_000);
    const seeder = await peers.seed(torrent, { key });
    const relay = createServer((socket) => {
      const [ours, theirs] = duplexPair() as [Duplex, Duplex];
      socket.pipe(ours).pipe(socket);
      seeder.take(theirs);
      gone.push(once(theirs, 'close'));
    }).listen(0, '127.0.0.1');
    const gone: Promise<unknown>[] = [];
    await once(relay, 'listening');
    const leecher = await peers.leech(torrent, { key });
    leecher.addPeers([{ host: '127.0.0.1', port: (relay.address() as AddressInfo).port }]);
    await finished(leecher);
    await seeder.stop();
    await Promise.all(gone);
    await leecher.stop();
    relay.close();
    await once(relay, 'close');
  });
});
