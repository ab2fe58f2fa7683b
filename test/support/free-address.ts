import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** A part of 127.0.0.0/8 that this process is likely to have for itself: `127.x.y`, to be completed by 1 to 254. */
export const loopbackNet = (): string => {
  nets += 1;
  return `127.${20 + (process.pid % 200)}.${nets % 256}`;
};
let nets = 0;

/** A TCP port above 1024 that is free on all the addresses right now. */
export const freePort = async (addresses: readonly string[]): Promise<number> => {
  const first = await listen(addresses[0]!, 0);
  const { port } = first.address() as AddressInfo;
  const others = await Promise.allSettled(addresses.slice(1).map((address) => listen(address, port)));
  const servers = [
    first,
    ...others.filter((outcome) => outcome.status === 'fulfilled').map((outcome) => outcome.value),
  ];
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return servers.length === addresses.length ? port : freePort(addresses);
};

const listen = async (address: string, port: number) => {
  const server = createServer().listen(port, address);
  await once(server, 'listening');
  return server;
};
