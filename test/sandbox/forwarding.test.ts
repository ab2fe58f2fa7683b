import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import type { Client, ClientChannel } from 'ssh2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectClient } from '../support/ssh-client.ts';
import { type Fleet, startFleet } from './fleet.ts';

describe('port forwarding of an embedded host', () => {
  let fleet: Fleet;
  let client: Client;
  let echo: Server;
  beforeAll(async () => {
    fleet = await startFleet(1);
    client = await connectClient(await fleet.login(0));
    echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    await once(echo, 'listening');
  });
  afterAll(async () => {
    client.end();
    echo.close();
    await fleet.end();
  });
  const echoPort = () => (echo.address() as AddressInfo).port;

  test('carries a conversation to a port, each direction ending on its own', async () => {
    const channel = await forwardOut(client, '127.0.0.1', echoPort());
    const bytes = randomBytes(3_000_000);
    channel.end(bytes); // the answer comes after our end
    expect((await collect(channel)).equals(bytes)).toBe(true);
  });

  test('refuses a port where nobody listens', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    await once(closed, 'close');
    await expect(forwardOut(client, '127.0.0.1', port)).rejects.toThrow('Channel open failure');
  });

  test('leads nowhere but to loopback addresses', async () => {
    await expect(forwardOut(client, '192.0.2.1', 80)).rejects.toThrow('Channel open failure');
  });

  test('opens a port that leads back to the client, until it is cancelled', async () => {
    client.on('tcp connection', (_details, accept) => {
      const channel = accept();
      channel.pipe(channel);
    });
    const port = await forwardIn(client, '127.0.0.1');
    const socket = connect({ host: '127.0.0.1', port });
    const bytes = randomBytes(3_000_000);
    socket.end(bytes);
    expect((await collect(socket)).equals(bytes)).toBe(true);

    await new Promise<void>((resolve, reject) =>
      client.unforwardIn('127.0.0.1', port, (error) => (error ? reject(error) : resolve())),
    );
    expect(await isOpen(port)).toBe(false);
  });

  test('keeps no port open for a client that has gone', async () => {
    const other = await connectClient(await fleet.login(0));
    const port = await forwardIn(other, '127.0.0.1');
    const channel = await forwardOut(other, '127.0.0.1', echoPort());
    expect(await isOpen(port)).toBe(true);
    channel.pause();
    other.destroy();
    await closedAt(port);
    expect(await isOpen(port)).toBe(false);
  });
});

const forwardOut = (client: Client, address: string, port: number): Promise<ClientChannel> =>
  new Promise((resolve, reject) =>
    client.forwardOut('127.0.0.1', 0, address, port, (error, channel) => (error ? reject(error) : resolve(channel))),
  );

const forwardIn = (client: Client, address: string): Promise<number> =>
  new Promise((resolve, reject) =>
    client.forwardIn(address, 0, (error, port) => (error ? reject(error) : resolve(port))),
  );

const collect = async (stream: NodeJS.ReadableStream): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

/** Each try is an answer of the system, so this is no waiting by the clock. */
const closedAt = async (port: number): Promise<void> => {
  while (await isOpen(port));
};
