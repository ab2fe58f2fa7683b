import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { UserError } from '#recipe/user-error.ts';
import { startTracker } from '#swarm/tracker.ts';
import { optional } from './arguments.ts';
import type { TrackArguments } from './swarm-arguments.ts';
import type { SwarmResult, SwarmWork } from './swarm-command.ts';
import { readTorrentFile } from './swarm-torrent.ts';
import { untilSignal } from './swarm-wait.ts';

/** `deploy swarm track`: a tracker until a signal ends it, which is its good end. */
export const track = async (args: TrackArguments, { from, tell, signal }: SwarmWork): Promise<SwarmResult> => {
  const { torrents, port, listen } = args;
  const served = await Promise.all(torrents.map((torrent) => readTorrentFile(torrent, from)));
  const tracker = await startTracker({
    ...optional('infoHashes', served.length === 0 ? undefined : new Set(served.map(({ infoHash }) => infoHash))),
    ...{ port, believes },
    ...optional('listen', listen),
  }).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'EADDRINUSE' ? 'it is in use; choose another with --port' : error.message;
    throw new UserError(`swarm track: cannot listen on port ${port}: ${why}`);
  });
  const addresses = listen === undefined ? ownAddresses() : [listen];
  tell({ type: 'swarm-listening', port: tracker.port, urls: addresses.map(tracker.url) });
  await untilSignal(signal);
  await tracker.close();
  return {};
};

/** Where others may reach this machine; loopback where it has no other address. */
const ownAddresses = (): string[] => {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const outside = all.filter(({ internal, family }) => !internal && family === 'IPv4').map(({ address }) => address);
  return outside.length > 0 ? outside : ['127.0.0.1'];
};

/** Machines of the own network may say under which other address they are reached: nobody from outside makes them a target. */
const believes = (named: string, seen: string): boolean =>
  isIP(named) !== 0 && NEAR.check(seen, isIP(seen) === 6 ? 'ipv6' : 'ipv4');

const NEAR = new BlockList();
NEAR.addSubnet('10.0.0.0', 8);
NEAR.addSubnet('127.0.0.0', 8);
NEAR.addSubnet('172.16.0.0', 12);
NEAR.addSubnet('192.168.0.0', 16);
NEAR.addAddress('::1', 'ipv6');
NEAR.addSubnet('fc00::', 7, 'ipv6');
