import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFirstTries } from '#peer/first-tries.ts';
import { createLinks, type Links } from '#peer/links.ts';
import { plainTransport } from '#peer/transport.ts';
import { createTurn } from '#peer/turn.ts';
import { decodeExtensionHandshake, encodeExtensionHandshake } from '#protocol/extension-handshake.ts';
import type { Handshake } from '#protocol/handshake.ts';
import { decodeMetainfo } from '#protocol/metainfo.ts';
import { createGeometry } from '#torrent/geometry.ts';
import type { SwarmEvent } from '#torrent/swarm-event.ts';
import { makeTorrent, type TestTorrent } from '../support/torrent.ts';
import { createPeers, type Peers } from './peers.ts';
import { callPeer, type WireClient } from './wire-client.ts';

let peers: Peers;
const clients: WireClient[] = [];

beforeEach(async () => {
  peers = await createPeers();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await peers.end();
});

const helloFor = ({ metainfo }: TestTorrent, bits: Partial<Handshake>): Handshake => ({
  infoHash: createHash('sha1').update(decodeMetainfo(metainfo).infoBytes).digest(),
  peerId: randomBytes(20),
  ...{ fast: true, extended: true, ...bits },
});

/** A neighbour of a host that has everything, with these bits in its handshake. */
const call = async (torrent: TestTorrent, bits: Partial<Handshake>): Promise<WireClient> => {
  const path = peers.path();
  await writeFile(path, torrent.content);
  const { port } = await peers.leech(torrent, { path });
  const client = await callPeer(port, helloFor(torrent, bits));
  clients.push(client);
  return client;
};

describe('a peer', () => {
  test('introduces itself first to a neighbour that speaks BEP 10', async () => {
    const client = await call(makeTorrent(20_000), { extended: true });
    expect(client.handshake).toMatchObject({ fast: true, extended: true });
    expect(Buffer.from(client.handshake.peerId).toString('latin1')).toMatch(/^-RK\d{4}-/);
    const [first] = await client.until('unchoke');
    expect(first).toMatchObject({ type: 'extended', id: 0 });
    expect(first?.type === 'extended' && decodeExtensionHandshake(first.payload)).toEqual({
      ...{ extensions: new Map(), client: expect.stringMatching(/^Rookery \d/), requests: 1024 },
      largestBlock: 128 * 1024,
    });
  });

  test.each([
    [{ extended: false, fast: true }, ['have-all', 'unchoke']],
    [{ extended: false, fast: false }, ['bitfield', 'unchoke']],
  ])('says nothing that a neighbour with %o did not ask for', async (bits, said) => {
    const client = await call(makeTorrent(20_000), bits);
    client.send({ type: 'interested' });
    client.send({ type: 'request', piece: 0, offset: 0, length: 16_384 });
    const types = (await client.until('piece')).map(({ type }) => type);
    expect(types).toEqual([...said, 'piece']);
  });

  test.each([
    ['an introduction that is no bencoding', 0, 'nonsense'],
    ['an introduction that tells nothing', 0, 'de'],
    ['a message of an extension that nobody offered', 3, 'd1:xi1ee'],
    ['an empty one', 7, ''],
  ])('goes on after %s', async (_, id, payload) => {
    const client = await call(makeTorrent(20_000), {});
    client.send({ type: 'extended', id, payload: Buffer.from(payload) });
    client.send({ type: 'request', piece: 0, offset: 0, length: 16_384 });
    await client.until('piece');
  });
});

describe('the swarm', () => {
  let server: Server;
  let links: Links;
  afterEach(() => {
    links.closeAll();
    server.close();
  });

  test('hears how many requests a neighbour lets wait, after the neighbour itself', async () => {
    const torrent = makeTorrent(20_000);
    const events: SwarmEvent[] = [];
    let tellAllowed: () => void = () => {};
    const allowed = new Promise<void>((resolve) => {
      tellAllowed = resolve;
    });
    links = createLinks({
      geometry: createGeometry(20_000, 20_000),
      ...{ hello: helloFor(torrent, {}), maxMessage: 1024, transport: plainTransport, turn: createTurn() },
      ...{ random: Math.random, now: () => performance.now() },
      tries: createFirstTries(() => {}),
      onStranger: () => {},
      onEvent: (event) => {
        events.push(event);
        if (event.type === 'allows' && event.requests !== 250) tellAllowed();
      },
    });
    server = createServer({ pauseOnConnect: true }, links.take).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = await callPeer((server.address() as { port: number }).port, helloFor(torrent, {}));
    clients.push(client);
    const payload = encodeExtensionHandshake({ extensions: new Map(), requests: 77 });
    client.send({ type: 'extended', id: 0, payload });
    await allowed;
    expect(events).toEqual([
      { type: 'connected', peer: 1, fast: true },
      { type: 'allows', peer: 1, requests: 250 },
      { type: 'allows', peer: 1, requests: 77 },
    ]);
  });
});
