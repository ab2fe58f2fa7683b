import { chmod, link, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { findTool } from '../../support/tools.ts';
import { deferred } from './deferred.ts';
import type { Station } from './fleet.ts';
import type { Place, Swarm, Tool } from './tool.ts';

/**
 * Debian's aria2c with its defaults, DHT and local discovery off, a tracker beside the seeder. Both are ready, the hosts'
 * processes are not: they start with the clock, in hundredths of a second. Its hook for a verified download tells the end.
 */
export const aria2 = ({ tracker }: { tracker: string }): Tool => ({
  name: 'aria2',
  missing: () => (findTool('aria2c') ? undefined : 'this machine has no aria2c (Debian: apt-get install aria2)'),
  prepare: async (place): Promise<Swarm> => {
    const { fleet, payload, directoryOf } = place;
    const { port, announced } = await startTracker(place, tracker);
    const announce = `http://${fleet.origin.address}:${port}/announce`;
    const origin = directoryOf(fleet.origin);
    const torrent = join(origin, 'payload.torrent');
    await writeFile(torrent, await payload.torrent(pieceLength(payload.bytes), announce));
    await link(payload.path, join(origin, basename(payload.path)));
    const hook = join(origin, 'tell');
    await writeFile(hook, '#!/bin/sh\necho verified\n');
    await chmod(hook, 0o755);

    const seeder = place.start(
      fleet.origin,
      [...command(place, fleet.origin), '--bt-seed-unverified=true', torrent],
      noted,
    );
    await Promise.race([announced, seeder.ended.then(fail)]);
    let pids: readonly number[] = [];
    return {
      seeder: seeder.pid,
      peers: () => pids,
      go: () => {
        const peers = fleet.hosts.map((host) => {
          const verified = deferred<void>();
          const argv = [...command(place, host), `--on-bt-download-complete=${hook}`, torrent];
          const program = place.start(host, argv, (line) => line === 'verified' && verified.resolve());
          void program.ended.then((how) => verified.reject(new Error(`${host.name}: ${how}`)));
          return { pid: program.pid, verified: verified.promise };
        });
        pids = peers.map(({ pid }) => pid);
        return peers.map(({ verified }) => verified);
      },
    };
  },
});

const startTracker = async ({ fleet, start }: Place, tracker: string) => {
  const port = deferred<string>();
  const announced = deferred<void>();
  const program = start(fleet.origin, [process.execPath, tracker, fleet.origin.address], (line) => {
    if (line.startsWith('port ')) port.resolve(line.slice('port '.length));
    else announced.resolve();
  });
  void program.ended.then((how) => port.reject(new Error(how)));
  return { port: await port.promise, announced: announced.promise };
};

/** 256 KiB, but at least 32 pieces. */
const pieceLength = (bytes: number): number => Math.min(256 * 1024, bytes / 32);

const command = ({ directoryOf }: Place, station: Station): string[] => [
  ...[
    'aria2c',
    '--no-conf',
    '--enable-dht=false',
    '--enable-dht6=false',
    '--bt-enable-lpd=false',
    '--disable-ipv6=true',
  ],
  ...['--seed-ratio=0.0', '--file-allocation=none', '--allow-overwrite=true', `--interface=${station.address}`],
  ...['--console-log-level=error', '--summary-interval=0', '--show-console-readout=false'],
  ...[`--dir=${directoryOf(station)}`, `--stop-with-process=${process.pid}`],
];

const noted = (): void => {};

const fail = (how: string): never => {
  throw new Error(how);
};
