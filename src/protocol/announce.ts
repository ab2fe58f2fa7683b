import { type BencodeValue, decodeBencode } from './bencode.ts';
import type { PeerAddress } from './control.ts';
import { ProtocolError } from './protocol-error.ts';

/** What a peer tells an HTTP tracker (BEP 3, compact answers by BEP 23). Sizes are bytes. */
export interface AnnounceQuery {
  readonly infoHash: Uint8Array;
  readonly peerId: Uint8Array;
  readonly port: number;
  readonly uploaded: number;
  readonly downloaded: number;
  readonly left: number;
  readonly event?: 'started' | 'completed' | 'stopped';
  /** Address under which others reach this peer, where it is not the one the tracker sees. */
  readonly ip?: string;
  /** Proves the identity of a peer whose address changes. */
  readonly key?: string;
  /** Number of peers wished for. */
  readonly numwant?: number;
}

export type AnnounceResponse =
  | { readonly kind: 'failure'; readonly reason: string }
  /** Seconds until the next announce, and the peers in IPv4 then IPv6 order. */
  | { readonly kind: 'peers'; readonly interval: number; readonly peers: readonly PeerAddress[] };

/** The query string of an announce, without its question mark. */
export const encodeAnnounceQuery = (query: AnnounceQuery): string => {
  const fields: [string, string | number | undefined][] = [
    ['info_hash', escapeBytes(query.infoHash)],
    ['peer_id', escapeBytes(query.peerId)],
    ['port', query.port],
    ['uploaded', query.uploaded],
    ['downloaded', query.downloaded],
    ['left', query.left],
    ['compact', 1],
    ['event', query.event],
    ['ip', query.ip === undefined ? undefined : encodeURIComponent(query.ip)],
    ['key', query.key === undefined ? undefined : encodeURIComponent(query.key)],
    ['numwant', query.numwant],
  ];
  return fields.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`])).join('&');
};

/** Reads a tracker's answer: compact peers (BEP 23), dictionaries (BEP 3), `peers6` (BEP 7). @throws ProtocolError */
export const decodeAnnounceResponse = (bytes: Uint8Array): AnnounceResponse => {
  const root = decodeBencode(bytes, MAX_RESPONSE_BYTES);
  if (!(root instanceof Map)) throw new ProtocolError('announce: not a dictionary');
  const failure = root.get('failure reason');
  if (failure instanceof Uint8Array) return { kind: 'failure', reason: new TextDecoder().decode(failure) };
  const interval = root.get('interval');
  if (typeof interval !== 'number' || interval < 0) throw new ProtocolError('announce: no interval');
  const peers6 = root.get('peers6') ?? new Uint8Array();
  if (!(peers6 instanceof Uint8Array)) throw new ProtocolError('announce: peers6 is not a string');
  return { kind: 'peers', interval, peers: [...peersOf(root.get('peers')), ...compactPeers(peers6, 16)] };
};

const MAX_RESPONSE_BYTES = 1024 * 1024;

const escapeBytes = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');

const peersOf = (value: BencodeValue | undefined): PeerAddress[] => {
  if (value === undefined) return [];
  if (value instanceof Uint8Array) return compactPeers(value, 4);
  if (Array.isArray(value)) return value.map(dictionaryPeer);
  throw new ProtocolError('announce: peers are neither a string nor a list');
};

const dictionaryPeer = (value: BencodeValue): PeerAddress => {
  const ip = value instanceof Map ? value.get('ip') : undefined;
  const port = value instanceof Map ? value.get('port') : undefined;
  if (!(ip instanceof Uint8Array) || !isPort(port)) throw new ProtocolError('announce: a peer without ip and port');
  return { host: new TextDecoder().decode(ip), port };
};

const compactPeers = (bytes: Uint8Array, addressBytes: 4 | 16): PeerAddress[] => {
  const size = addressBytes + 2;
  if (bytes.length % size !== 0) throw new ProtocolError(`announce: ${bytes.length} bytes of compact peers`);
  const peers: PeerAddress[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const address = bytes.subarray(at, at + addressBytes);
    const port = ((bytes[at + addressBytes] as number) << 8) | (bytes[at + addressBytes + 1] as number);
    if (port !== 0) peers.push({ host: addressBytes === 4 ? address.join('.') : ipv6(address), port });
  }
  return peers;
};

const ipv6 = (bytes: Uint8Array): string =>
  Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] as number) << 8) | (bytes[2 * i + 1] as number)).toString(16),
  ).join(':');

const isPort = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) > 0 && (value as number) <= 65535;
