import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gatherWrites } from '#ssh/gather-writes.ts';

const written: string[][] = [];
const stream = () =>
  new Duplex({
    read: () => {},
    writev: (chunks, done) => {
      written.push(chunks.map(({ chunk }) => String(chunk)));
      done();
    },
  });

test('what is written in one go is sent together, in order, and soon', async () => {
  const gathered = stream();
  gatherWrites(gathered);
  gathered.write('length');
  gathered.write('body');
  gathered.write('MAC');
  expect(written).toEqual([]);
  await undefined;
  expect(written).toEqual([['length', 'body', 'MAC']]);
  gathered.write('next');
  gathered.end('end');
  await once(gathered, 'finish');
  expect(written.flat()).toEqual(['length', 'body', 'MAC', 'next', 'end']);
});

const server = createServer();
const taken: Promise<Buffer>[] = [];
beforeAll(async () => {
  server.on('connection', (socket: Socket) => {
    const parts: Buffer[] = [];
    socket.on('data', (part: Buffer) => parts.push(part));
    taken.push(once(socket, 'end').then(() => Buffer.concat(parts)));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterAll(() => void server.close());

test('who writes faster than the network takes it is told to wait, as without', async () => {
  const { port } = server.address() as { port: number };
  const socket = connect({ host: '127.0.0.1', port });
  await once(socket, 'connect');
  gatherWrites(socket);
  const part = Buffer.alloc(100_000, 'x');
  let waits = 0;
  for (let sent = 0; sent < 200; sent += 1) {
    if (socket.write(part)) continue;
    waits += 1;
    await once(socket, 'drain');
  }
  expect(waits).toBeGreaterThan(0);
  let flushed = false;
  socket.write('last', () => {
    flushed = true;
  });
  socket.end();
  expect(String(await taken[0])).toBe(`${part.toString().repeat(200)}last`);
  expect(flushed).toBe(true);
});
