import { ProtocolError } from './protocol-error.ts';

/**
 * The contract between deployer and peer: JSON lines on the SSH channel, orders on the peer's stdin and reports on its
 * stdout. The channel's end is an order too: a peer whose stdin closes ends at once.
 */
export type PeerOrder =
  | FetchOrder
  /** Neighbours to connect to, in addition to those of the trackers; and trackers to announce to, in addition to those of the first order. */
  | { readonly kind: 'peers'; readonly peers: readonly PeerAddress[]; readonly announce?: readonly string[] }
  /** Say goodbye to tracker and neighbours, report `stopped`, exit 0. */
  | { readonly kind: 'stop' };

/** The first order: obtain this torrent's content in `path`, then go on serving it until told to stop. */
export interface FetchOrder {
  readonly kind: 'fetch';
  /** The .torrent file (BEP 3), base64. */
  readonly metainfo: string;
  /** SHA-256 of the whole content, 64 hex digits: checked at the end where `metainfo` does not say that of its pieces. */
  readonly sha256: string;
  /** Absolute path of the file to write. A partial file there is verified and kept. */
  readonly path: string;
  /** Tracker URLs; may be empty. */
  readonly announce: readonly string[];
  /** `peers` orders name the neighbours; those of the tracker are called only when there are few. Default false. */
  readonly introduced?: boolean;
  /** First and last TCP port to try to listen on, both included; 0-0 lets the system choose. */
  readonly ports: readonly [number, number];
  /** Address to bind to; default: every address. */
  readonly listen?: string;
  /** Address under which neighbours reach this peer, told to the tracker; default: the tracker uses the source address. */
  readonly address?: string;
  /** Where the host is, and which of its zone's gateways, from 0, of how many: each brings its share of the pieces into the zone. Default: zones are of no matter. */
  readonly zone?: { readonly name: string; readonly gateway?: readonly [number, number] };
  /** 32 bytes that only the members of this swarm have, base64: it is encrypted. Default: anybody can join. */
  readonly key?: string;
}

export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

export type PeerReport =
  | ({ readonly kind: 'hello'; readonly version: string; readonly node: string } & Surroundings)
  | { readonly kind: 'listening'; readonly port: number }
  /**
   * At most four a second. `bytes` are verified bytes; `downloaded`/`uploaded` payload bytes on the wire; `hashed`
   * bytes that are in the SHA-256 of the whole, which still grow when `bytes` no longer do.
   */
  | {
      readonly kind: 'progress';
      readonly pieces: number;
      readonly bytes: number;
      readonly downloaded: number;
      readonly uploaded: number;
      readonly peers: number;
      readonly hashed?: number;
    }
  /** Every piece and the SHA-256 of the whole are right and on disk. */
  | {
      readonly kind: 'verified';
      readonly bytes: number;
      readonly downloaded: number;
      readonly uploaded: number;
      readonly seconds: number;
    }
  /** A neighbour that was named by order takes no connection; told once an address, soon after the first try, which is not the last. */
  | ({ readonly kind: 'unreachable'; readonly reason: Unreachable } & PeerAddress)
  | { readonly kind: 'failed'; readonly code: PeerFailure; readonly message: string }
  | { readonly kind: 'stopped'; readonly downloaded: number; readonly uploaded: number };

/** What a host knows of its place in the network. */
export interface Surroundings {
  /** Its own addresses, without those of loopback. */
  readonly addresses?: readonly string[];
  /** The SSH connection as the host sees it: who connects, and to which of its addresses. */
  readonly ssh?: { readonly client: string; readonly server: string };
}

/** Why there is no connection: nobody answers, somebody refuses, or there is no way there. */
export type Unreachable = 'silent' | 'refused' | 'no-route';

export type PeerFailure = 'disk-full' | 'permission' | 'verify' | 'listen' | 'runtime' | 'order' | 'bug';

/** One line, without its newline. */
export const encodeControl = (value: PeerOrder | PeerReport): string => JSON.stringify(value);

/** @throws ProtocolError when the line is not an order. */
export const decodeOrder = (line: string): PeerOrder => decode(line, orders);

/** @throws ProtocolError when the line is not a report. */
export const decodeReport = (line: string): PeerReport => decode(line, reports);

type Check = (value: unknown) => boolean;
type Shape = Readonly<Record<string, Check>>;

const text: Check = (value) => typeof value === 'string';
const count: Check = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const port: Check = (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65535;
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const peerAddress: Check = (value) => isRecord(value) && text(value.host) && port(value.port);
const portRange: Check = (value) =>
  Array.isArray(value) && value.length === 2 && value.every(port) && value[0] <= value[1];

const gateway: Check = (value) =>
  Array.isArray(value) && value.length === 2 && value.every(count) && value[0] < value[1];

const orders: Record<PeerOrder['kind'], Shape> = {
  fetch: {
    metainfo: text,
    sha256: (value) => text(value) && /^[0-9a-f]{64}$/.test(value as string),
    path: (value) => text(value) && (value as string).startsWith('/'),
    announce: listOf(text),
    introduced: optional((value) => typeof value === 'boolean'),
    ports: portRange,
    listen: optional(text),
    address: optional(text),
    zone: optional((value) => isRecord(value) && text(value.name) && optional(gateway)(value.gateway)),
    key: optional((value) => text(value) && /^[A-Za-z0-9+/]{43}=$/.test(value as string)),
  },
  peers: { peers: listOf(peerAddress), announce: optional(listOf(text)) },
  stop: {},
};

const reports: Record<PeerReport['kind'], Shape> = {
  hello: {
    ...{ version: text, node: text, addresses: optional(listOf(text)) },
    ssh: optional((value) => isRecord(value) && text(value.client) && text(value.server)),
  },
  listening: { port },
  progress: { pieces: count, bytes: count, downloaded: count, uploaded: count, peers: count, hashed: optional(count) },
  verified: { bytes: count, downloaded: count, uploaded: count, seconds: count },
  unreachable: {
    ...{ host: text, port },
    reason: (value) => value === 'silent' || value === 'refused' || value === 'no-route',
  },
  failed: { code: text, message: text },
  stopped: { downloaded: count, uploaded: count },
};

const decode = <T>(line: string, shapes: Readonly<Record<string, Shape>>): T => {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new ProtocolError(`not JSON: ${line.slice(0, 80)}`);
  }
  if (!isRecord(value) || typeof value.kind !== 'string' || !Object.hasOwn(shapes, value.kind)) {
    throw new ProtocolError(`unknown kind of line: ${line.slice(0, 80)}`);
  }
  for (const [key, check] of Object.entries(shapes[value.kind] as Shape)) {
    if (!check(value[key])) throw new ProtocolError(`${value.kind}: ${key} is not right`);
  }
  return value as T;
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
