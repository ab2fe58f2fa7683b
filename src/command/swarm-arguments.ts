import { isIP } from 'node:net';
import { UserError } from '#recipe/user-error.ts';
import { all, one, optional, type Words } from './arguments.ts';

/** A command line that begins with `deploy swarm`, understood. Times are seconds, paths as written. */
export type SwarmArguments = CreateArguments | TrackArguments | SeedArguments | FetchArguments;

interface CommonArguments {
  readonly format: 'plain' | 'json';
}

export interface CreateArguments extends CommonArguments {
  readonly command: 'create';
  readonly path: string;
  readonly trackers: readonly string[];
  readonly out?: string;
  /** Where the key of its swarm is to be. */
  readonly key?: string;
}

export interface TrackArguments extends CommonArguments {
  readonly command: 'track';
  /** Empty: it serves any torrent. */
  readonly torrents: readonly string[];
  readonly port: number;
  readonly listen?: string;
}

export interface PeerArguments extends CommonArguments {
  readonly torrent: string;
  readonly path: string;
  /** In place of those that the .torrent names. */
  readonly trackers: readonly string[];
  readonly ports: readonly [number, number];
  readonly listen?: string;
  /** Address that trackers are told. */
  readonly address?: string;
  /** File that holds the key of the swarm, `-` for stdin. Undefined: it is open to everybody. */
  readonly key?: string;
  /** Undefined: until a signal. */
  readonly seedTime?: number;
}

export interface SeedArguments extends PeerArguments {
  readonly command: 'seed';
}

export interface FetchArguments extends PeerArguments {
  readonly command: 'fetch';
  readonly timeout?: number;
  readonly stallTimeout: number;
  /** What a directory holds that the content does not, goes. */
  readonly remove: boolean;
}

/** Reads the words after `deploy swarm`; `text` is what --help prints. @throws UserError, exit code 2 */
export const parseSwarmArguments = async (argv: readonly string[]): Promise<SwarmArguments | { text: string }> => {
  const { default: yargs } = await import('yargs');
  let text: string | undefined;
  const parser = yargs()
    .scriptName('deploy swarm')
    .usage(USAGE)
    .options(OPTIONS)
    .parserConfiguration({ 'parse-positional-numbers': false, 'camel-case-expansion': false })
    .strictOptions()
    .exitProcess(false)
    .wrap(100)
    .help()
    .alias('h', 'help')
    .version(false)
    .fail((message, error) => {
      throw error ?? new UserError(`swarm: ${message}; \`deploy swarm --help\` tells more`, 2);
    });
  const words = await parser.parseAsync([...argv], {}, (_error, _argv, output) => {
    if (output) text = output;
  });
  return text === undefined ? understand(words as unknown as Words) : { text };
};

const understand = (words: Words): SwarmArguments => {
  const [command = '', ...rest] = words._.map(String);
  if (!isPart(command)) throw new UserError('swarm: which part? Write create, track, seed or fetch', 2);
  const { takes, options } = PARTS[command];
  const stray = Object.keys(OPTIONS).find((name) => words[name] !== undefined && !options.includes(name));
  if (stray !== undefined) throw new UserError(`swarm ${command}: --${stray} is not for this part`, 2);
  if (takes !== undefined && rest.length !== takes.length)
    throw new UserError(`swarm ${command}: write \`deploy swarm ${command} ${takes.join(' ')}\``, 2);
  const [first = '', second = ''] = rest;
  const format = one(words, 'format') === 'json' ? 'json' : 'plain';
  const listen = optional('listen', address(words, 'listen'));
  switch (command) {
    case 'create':
      return {
        ...{ command, path: first, trackers: all(words.tracker), format },
        ...{ ...optional('out', one(words, 'out')), ...optional('key', one(words, 'key')) },
      };
    case 'track':
      return { command, torrents: rest, port: port(words), format, ...listen };
    case 'seed':
      return { command, torrent: first, path: second, ...peer(words), format, ...listen };
    case 'fetch':
      return {
        ...{ command, torrent: first, path: second, format, seedTime: 60 },
        ...{ ...peer(words), ...listen },
        ...optional('timeout', seconds(words, 'timeout')),
        stallTimeout: seconds(words, 'stall-timeout') ?? 60,
        remove: words.delete === true,
      };
  }
};

const peer = (words: Words) => ({
  trackers: all(words.tracker),
  ports: ports(words),
  ...optional('address', address(words, 'address')),
  ...optional('key', one(words, 'key')),
  ...optional('seedTime', seconds(words, 'seed-time')),
});

const seconds = (words: Words, name: string): number | undefined => {
  const written = one(words, name);
  if (written === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(written)) return Number(written);
  throw new UserError(`swarm: --${name} must be a number of seconds, is '${written}'`, 2);
};

const port = (words: Words): number => {
  const written = one(words, 'port') ?? '8998';
  if (/^\d{1,5}$/.test(written) && Number(written) <= LAST_PORT) return Number(written);
  throw new UserError(`swarm: --port must be a number from 0 to ${LAST_PORT}, is '${written}'`, 2);
};

const ports = (words: Words): [number, number] => {
  const written = one(words, 'ports') ?? '42000-42999';
  const [, first = '', last = first] = written.match(/^(\d{1,5})(?:-(\d{1,5}))?$/) ?? [];
  if (first !== '' && Number(first) <= Number(last) && Number(last) <= LAST_PORT) return [Number(first), Number(last)];
  throw new UserError(`swarm: --ports must be written as 42000-42999, is '${written}'`, 2);
};

const LAST_PORT = 65_535;

const address = (words: Words, name: string): string | undefined => {
  const written = one(words, name);
  if (written === undefined || isIP(written) !== 0) return written;
  throw new UserError(`swarm: --${name} must be an IP address of this machine, is '${written}'`, 2);
};

type Part = SwarmArguments['command'];

const isPart = (word: string): word is Part => Object.hasOwn(PARTS, word);

const COMMON = ['format'];
const PEER = ['tracker', 'ports', 'listen', 'address', 'key', 'seed-time', ...COMMON];

/** The words that each part takes, undefined for any number, and its options. */
const PARTS: Readonly<Record<Part, { readonly takes?: readonly string[]; readonly options: readonly string[] }>> = {
  create: { takes: ['<path>'], options: ['tracker', 'out', 'key', ...COMMON] },
  track: { options: ['port', 'listen', ...COMMON] },
  seed: { takes: ['<torrent>', '<path>'], options: PEER },
  fetch: { takes: ['<torrent>', '<path>'], options: ['timeout', 'stall-timeout', 'delete', ...PEER] },
};

const USAGE = `deploy swarm <part> [options]

  deploy swarm create <path> --tracker URL   write the .torrent of a file or directory
  deploy swarm track [torrent...]            run a tracker, for these torrents alone or for any
  deploy swarm seed <torrent> <path>         serve content that is here
  deploy swarm fetch <torrent> <path>        get a verified copy, and serve it for a while`;

const text = { type: 'string', requiresArg: true } as const;

const OPTIONS = {
  tracker: {
    ...text,
    describe: 'http:// announce URL; may stand several times. seed, fetch: in place of those of the .torrent',
  },
  out: { ...text, describe: 'create: where to write the .torrent; default <path>.torrent' },
  key: {
    ...text,
    describe:
      'create: file for a new key. seed, fetch: file of the key that the swarm is encrypted with, - for stdin; default open to all',
  },
  port: { ...text, describe: 'track: port to listen on, 0 for any; default 8998' },
  ports: { ...text, describe: 'seed, fetch: ports to choose one from; default 42000-42999' },
  listen: { ...text, describe: 'track, seed, fetch: address to listen on; default all' },
  address: {
    ...text,
    describe: 'seed, fetch: address under which others reach this machine, where the tracker sees another',
  },
  'seed-time': {
    ...text,
    describe: 'seconds to serve; default until a signal for seed, 60 after completion for fetch',
  },
  timeout: { ...text, describe: 'fetch: seconds until it has to be done; default none' },
  'stall-timeout': { ...text, describe: 'fetch: seconds without a new byte until it fails; default 60' },
  delete: { type: 'boolean', describe: 'fetch: a directory that is there is replaced as a whole, not added to' },
  format: { ...text, choices: ['plain', 'json'], describe: 'how to report; default plain' },
} as const;
