/** The same hosts as from afar: relays in this process through which every byte takes half a round trip. */
import { appendFile, copyFile, readFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { SshdFleet } from '../../support/sshd-fleet.ts';

export interface DelayedFleet {
  readonly fleet: SshdFleet;
  close(): void;
}

/** A fleet whose hosts are reached with `roundTrip` milliseconds. Between the hosts, and from them to this machine, there is no delay. */
export const delayFleet = async (fleet: SshdFleet, roundTrip: number): Promise<DelayedFleet> => {
  const knownHostsFile = join(fleet.dir, `known_hosts-${roundTrip}ms`);
  await copyFile(fleet.knownHostsFile, knownHostsFile);
  const known = await readFile(fleet.knownHostsFile, 'utf8');
  const servers: Server[] = [];
  const hosts: SshdFleet['hosts'][number][] = [];
  for (const host of fleet.hosts) {
    const server = await listen(host, roundTrip);
    servers.push(server);
    const { port } = server.address() as AddressInfo;
    hosts.push({ ...host, port });
    const name = (at: number) => `[${host.address}]:${at} `;
    const line = known.split('\n').find((entry) => entry.startsWith(name(host.port)))!;
    await appendFile(knownHostsFile, `${line.replace(name(host.port), name(port))}\n`);
  }
  const close = () => {
    for (const server of servers) server.close();
  };
  return { fleet: { ...fleet, hosts, knownHostsFile }, close };
};

/** Who connects is with the host one and a half round trips later: TCP's own three messages. */
const listen = async ({ address, port }: SshdFleet['hosts'][number], roundTrip: number): Promise<Server> => {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    near.on('error', () => {});
    near.pause();
    setTimeout(() => {
      const far = connect({ host: address, port, noDelay: true, allowHalfOpen: true });
      pass(near, far, roundTrip / 2);
      pass(far, near, roundTrip / 2);
    }, roundTrip * 1.5);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, address, resolve));
  return server;
};

const pass = (from: Socket, to: Socket, delay: number): void => {
  from.on('data', (chunk: Buffer) => void setTimeout(() => to.write(chunk), delay));
  from.on('end', () => void setTimeout(() => to.end(), delay));
  from.on('error', () => void to.destroy());
  from.resume();
};
