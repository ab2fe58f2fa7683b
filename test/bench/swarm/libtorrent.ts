import { execFileSync } from 'node:child_process';
import { link, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { deferred } from './deferred.ts';
import type { Station } from './fleet.ts';
import { isShaped } from './links.ts';
import type { Place, Swarm, Tool } from './tool.ts';

/**
 * libtorrent 2.0 by its Python binding (`script`), with the settings that were the best of many in the same set-up: no
 * uTP, no limit on unchoked peers, every peer told of all others as the clock starts; on limited links short request
 * queues and small pieces, on others its own queues and large pieces. All processes have loaded before.
 */
export const libtorrent = ({ script }: { script: string }): Tool => ({
  name: 'libtorrent',
  missing: () =>
    findPython() === undefined
      ? 'no Python of this machine has libtorrent (Debian: apt-get install python3-libtorrent)'
      : undefined,
  prepare: async (place): Promise<Swarm> => {
    const { fleet, payload, directoryOf } = place;
    const python = findPython()!;
    const origin = directoryOf(fleet.origin);
    const shaped = isShaped(fleet.links.origin);
    const torrent = join(origin, 'payload.torrent');
    await writeFile(torrent, await payload.torrent(pieceLength(payload.bytes, shaped)));
    await link(payload.path, join(origin, basename(payload.path)));
    const queue = shaped ? 'short' : 'long';
    const [seeder, ...peers] = [fleet.origin, ...fleet.hosts].map((station, index) =>
      startOne(place, station, [
        python,
        script,
        torrent,
        directoryOf(station),
        station.address,
        index === 0 ? 'seed' : 'fetch',
        queue,
      ]),
    );
    const addresses = await Promise.all([seeder!, ...peers].map(({ listening }) => listening));
    return {
      seeder: seeder!.pid,
      peers: () => peers.map(({ pid }) => pid),
      go: () => {
        peers.forEach(({ tell }, index) => {
          tell(JSON.stringify(addresses.filter((_, other) => other !== index + 1)));
        });
        return peers.map(({ verified }) => verified);
      },
    };
  },
});

const startOne = (place: Place, station: Station, argv: readonly string[]) => {
  const listening = deferred<[string, number]>();
  const verified = deferred<void>();
  const program = place.start(station, argv, (line) => {
    if (line === 'verified') verified.resolve();
    else listening.resolve([station.address, Number(line)]);
  });
  void program.ended.then((how) => {
    for (const { reject } of [listening, verified]) reject(new Error(`${station.name}: ${how}`));
  });
  return { pid: program.pid, tell: program.write, listening: listening.promise, verified: verified.promise };
};

const pieceLength = (bytes: number, shaped: boolean): number => Math.min((shaped ? 64 : 256) * 1024, bytes / 32);

/** Debian's package is for Debian's own Python, which need not be the first one. */
export const findPython = (): string | undefined =>
  ['python3', '/usr/bin/python3'].find((python) => {
    try {
      execFileSync(python, ['-c', 'import libtorrent'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
