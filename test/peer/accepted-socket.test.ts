import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readAccepted } from '#peer/accepted-socket.ts';

let server: Server;
let client: Socket;
let accepted: Socket;

beforeEach(async () => {
  server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = connect((server.address() as { port: number }).port, '127.0.0.1');
  [accepted] = await once(server, 'connection');
});
afterEach(() => {
  client.destroy();
  server.close();
});

/** Reads an accepted socket into 1 KiB; `all` resolves with what came when the other end has ended. */
const read = (from: Socket) => {
  const parts: Buffer[] = [];
  const memories = new Set<Uint8Array>();
  const buffer = Buffer.alloc(1024);
  const socket = readAccepted(from, {
    buffer,
    callback: (size, memory) => {
      parts.push(Buffer.from(memory.subarray(0, size)));
      memories.add(memory);
      return true;
    },
  });
  const all = once(socket, 'end').then(() => Buffer.concat(parts));
  return { ...{ socket, all, memories, buffer } };
};

describe('an accepted socket', () => {
  test('is read into the memory given, whole and in order, and can be written to', async () => {
    const sent = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 251));
    const { socket, all, memories, buffer } = read(accepted);
    socket.write('welcome');
    expect(String((await once(client, 'data'))[0])).toBe('welcome');
    client.end(sent);
    expect((await all).equals(sent)).toBe(true);
    expect([...memories]).toEqual([buffer]);
  });

  test('tells its end, and frees the listener', async () => {
    const { socket } = read(accepted);
    const [ended, closed] = [once(socket, 'close'), once(server, 'close')];
    client.destroy();
    await ended;
    server.close();
    await closed;
  });

  test('is read as ever where Node keeps its handle elsewhere', async () => {
    const other = new Proxy(accepted, {
      get: (target, name) => {
        const value = name === '_handle' ? undefined : Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const { all } = read(other);
    client.end('some bytes');
    expect(String(await all)).toBe('some bytes');
  });
});
