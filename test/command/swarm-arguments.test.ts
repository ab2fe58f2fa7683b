import { describe, expect, test } from 'vitest';
import { parseSwarmArguments } from '../../src/command/swarm-arguments.ts';

const parse = (line: string) => parseSwarmArguments(line.split(' ').filter((word) => word !== ''));
const format = 'plain';
const ports = [42_000, 42_999];

describe('the words after `deploy swarm`', () => {
  test.each([
    ['create big --tracker http://t/a', { command: 'create', path: 'big', trackers: ['http://t/a'], format }],
    [
      'create --tracker http://t/a 007 --tracker http://u/a --out x.torrent --format json',
      { command: 'create', path: '007', trackers: ['http://t/a', 'http://u/a'], out: 'x.torrent', format: 'json' },
    ],
    ['track', { command: 'track', torrents: [], port: 8998, format }],
    [
      'track a.torrent b.torrent --port 0 --listen 10.0.0.1',
      { command: 'track', torrents: ['a.torrent', 'b.torrent'], port: 0, listen: '10.0.0.1', format },
    ],
    ['seed a.torrent a', { command: 'seed', torrent: 'a.torrent', path: 'a', trackers: [], ports, format }],
    [
      'seed a.torrent a --seed-time 5 --ports 6881 --address 10.0.0.2',
      {
        ...{ command: 'seed', torrent: 'a.torrent', path: 'a', trackers: [], ports: [6881, 6881], format },
        ...{ seedTime: 5, address: '10.0.0.2' },
      },
    ],
    [
      'fetch a.torrent a',
      {
        ...{ command: 'fetch', torrent: 'a.torrent', path: 'a', trackers: [], ports, format },
        ...{ seedTime: 60, stallTimeout: 60, remove: false },
      },
    ],
    [
      'fetch a.torrent a --seed-time 0 --timeout 1.5 --stall-timeout 2 --delete --ports 1-2',
      {
        ...{ command: 'fetch', torrent: 'a.torrent', path: 'a', trackers: [], ports: [1, 2], format },
        ...{ seedTime: 0, timeout: 1.5, stallTimeout: 2, remove: true },
      },
    ],
  ])('%s', async (line, args) => {
    expect(await parse(line)).toEqual(args);
  });

  test.each([
    ['', /which part/],
    ['leech x', /which part/],
    ['create', /write `deploy swarm create <path>`/],
    ['seed a.torrent', /write `deploy swarm seed <torrent> <path>`/],
    ['fetch a b c', /write `deploy swarm fetch/],
    ['create x --seed-time 3', /--seed-time is not for this part/],
    ['fetch a b --timeout soon', /--timeout must be a number of seconds, is 'soon'/],
    ['fetch a b --timeout -1', /--timeout/],
    ['fetch a b --timeout 1 --timeout 2', /--timeout stands more than once/],
    ['track --port 70000', /--port must be a number/],
    ['seed a b --ports 9-8', /--ports must be written as/],
    ['seed a b --address here', /--address must be an IP address/],
    ['seed a b --colour', /Unknown argument: colour/],
    ['track --format tty', /Choices: "plain", "json"/],
  ])('%j is refused', async (line, message) => {
    await expect(parse(line)).rejects.toMatchObject({ exitCode: 2, message: expect.stringMatching(message) });
  });

  test('--help is told', async () => {
    expect(await parse('fetch --help')).toEqual({
      text: expect.stringContaining('deploy swarm fetch <torrent> <path>'),
    });
  });
});
