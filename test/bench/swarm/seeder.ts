/** Rookery's seeder as a deploy starts it, as a program: TORRENT CONTENT ADDRESS [KEY]. It ends with a `stop` order or its stdin. */
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { startPeer } from '#peer/start-peer.ts';
import { decodeOrder, encodeControl } from '#protocol/control.ts';

const [torrent, path, address, key] = process.argv.slice(2) as [string, string, string, string | undefined];
const seeder = await startPeer({
  metainfo: await readFile(torrent),
  ...{ path, complete: true, announce: [], ports: [0, 0], address, listen: address },
  ...(key === undefined ? {} : { key: Buffer.from(key, 'base64') }),
  report: (report) => void process.stdout.write(`${encodeControl(report)}\n`),
});
createInterface({ input: process.stdin })
  .on('line', (line) => {
    if (decodeOrder(line).kind === 'stop') void seeder.stop().then(() => process.exit());
  })
  .on('close', () => process.exit());
