import { ProtocolError } from './protocol-error.ts';

/** The first 68 bytes in each direction of a connection (BEP 3), with the extension bits Rookery knows. */
export interface Handshake {
  /** SHA-1 of the info dictionary, 20 bytes. */
  readonly infoHash: Uint8Array;
  /** 20 bytes, unique to the peer's process. */
  readonly peerId: Uint8Array;
  /** Speaks the fast extension (BEP 6). */
  readonly fast: boolean;
  /** Speaks the extension protocol (BEP 10). */
  readonly extended: boolean;
}

export const HANDSHAKE_BYTES = 68;
const ID_BYTES = 20;
const PROTOCOL = new TextEncoder().encode('\x13BitTorrent protocol');
const RESERVED_AT = PROTOCOL.length;
const EXTENDED_AT = RESERVED_AT + 5;
const EXTENDED_BIT = 0x10;
const FAST_AT = RESERVED_AT + 7;
const FAST_BIT = 0x04;
const INFO_HASH_AT = RESERVED_AT + 8;
const PEER_ID_AT = INFO_HASH_AT + ID_BYTES;

/** The 68 bytes of a handshake. @throws ProtocolError unless hash and id have 20 bytes. */
export const encodeHandshake = ({ infoHash, peerId, fast, extended }: Handshake): Uint8Array => {
  if (infoHash.length !== ID_BYTES || peerId.length !== ID_BYTES)
    throw new ProtocolError('handshake: ids have 20 bytes');
  const bytes = new Uint8Array(HANDSHAKE_BYTES);
  bytes.set(PROTOCOL);
  if (extended) bytes[EXTENDED_AT] = EXTENDED_BIT;
  if (fast) bytes[FAST_AT] = FAST_BIT;
  bytes.set(infoHash, INFO_HASH_AT);
  bytes.set(peerId, PEER_ID_AT);
  return bytes;
};

/** Reads exactly 68 bytes; the result holds copies. @throws ProtocolError for another protocol. */
export const decodeHandshake = (bytes: Uint8Array): Handshake => {
  if (bytes.length !== HANDSHAKE_BYTES) throw new ProtocolError(`handshake: ${bytes.length} bytes`);
  if (!PROTOCOL.every((byte, index) => byte === bytes[index])) throw new ProtocolError('handshake: another protocol');
  return {
    infoHash: new Uint8Array(bytes.subarray(INFO_HASH_AT, PEER_ID_AT)),
    peerId: new Uint8Array(bytes.subarray(PEER_ID_AT)),
    fast: ((bytes[FAST_AT] as number) & FAST_BIT) !== 0,
    extended: ((bytes[EXTENDED_AT] as number) & EXTENDED_BIT) !== 0,
  };
};
