/** A tracker for any torrent, as a program: ADDRESS. It tells its port, then each peer that has announced itself. It ends with its stdin. */
import Server from 'bittorrent-tracker/server';

const server = new Server({ udp: false, ws: false, stats: false, interval: 15_000 });
server.on('start', () => void process.stdout.write('start\n'));
server.listen(0, process.argv[2], () => {
  process.stdout.write(`port ${(server.http.address() as { port: number }).port}\n`);
});
process.stdin.on('end', () => process.exit()).resume();
