import { ProtocolError } from './protocol-error.ts';

/** The messages after the handshake: BEP 3, BEP 6 (fast extension) and BEP 10 (extended). Offsets and lengths are bytes in a piece. */
export type Message =
  | { readonly type: 'keep-alive' | 'choke' | 'unchoke' | 'interested' | 'not-interested' | 'have-all' | 'have-none' }
  | { readonly type: 'have' | 'suggest' | 'allowed-fast'; readonly piece: number }
  | { readonly type: 'bitfield'; readonly bits: Uint8Array }
  | BlockMessage
  | PieceMessage
  | ExtendedMessage;

/** Names a block: asked for, no longer wanted, refused. */
export interface BlockMessage {
  readonly type: 'request' | 'cancel' | 'reject';
  readonly piece: number;
  readonly offset: number;
  readonly length: number;
}

/** Carries a block. */
export interface PieceMessage {
  readonly type: 'piece';
  readonly piece: number;
  readonly offset: number;
  readonly block: Uint8Array;
}

/** Carries what an extension says; id 0 is the handshake of BEP 10, others are those that the receiver gave out. */
export interface ExtendedMessage {
  readonly type: 'extended';
  readonly id: number;
  readonly payload: Uint8Array;
}

/** Bytes of a `piece` message before its block. */
export const PIECE_HEAD_BYTES = 13;

const PIECE = 7;
const BITFIELD = 5;
const EXTENDED = 20;
const idOfBare = { choke: 0, unchoke: 1, interested: 2, 'not-interested': 3, 'have-all': 14, 'have-none': 15 } as const;
const idOfPiece = { have: 4, suggest: 13, 'allowed-fast': 17 } as const;
const idOfBlock = { request: 6, cancel: 8, reject: 16 } as const;

const bareById = new Map(entries(idOfBare));
const pieceById = new Map(entries(idOfPiece));
const blockById = new Map(entries(idOfBlock));

/** The bytes of a message, its length first. A large block is better sent as `encodePieceHead` and itself. */
export const encodeMessage = (message: Message): Uint8Array => {
  switch (message.type) {
    case 'keep-alive':
      return new Uint8Array(4);
    case 'have':
    case 'suggest':
    case 'allowed-fast':
      return frame(idOfPiece[message.type], [message.piece]);
    case 'request':
    case 'cancel':
    case 'reject':
      return frame(idOfBlock[message.type], [message.piece, message.offset, message.length]);
    case 'bitfield':
      return frame(BITFIELD, [], message.bits);
    case 'piece':
      return frame(PIECE, [message.piece, message.offset], message.block);
    case 'extended':
      return frame(EXTENDED, [], Uint8Array.of(message.id, ...message.payload));
    default:
      return frame(idOfBare[message.type], []);
  }
};

/** The 13 bytes that go before a block of `length` bytes. */
export const encodePieceHead = (piece: number, offset: number, length: number): Uint8Array => {
  const bytes = new Uint8Array(PIECE_HEAD_BYTES);
  writeUint32(bytes, 0, PIECE_HEAD_BYTES - 4 + length);
  bytes[4] = PIECE;
  writeUint32(bytes, 5, piece);
  writeUint32(bytes, 9, offset);
  return bytes;
};

/**
 * Reads one message without its length prefix; undefined for an id this program does not know.
 * Its bytes are a view of `bytes`. @throws ProtocolError when the length does not fit the id.
 */
export const decodeMessage = (bytes: Uint8Array): Message | undefined => {
  const id = bytes[0];
  if (id === undefined) return { type: 'keep-alive' };
  if (id === PIECE) {
    if (bytes.length < 9) throw new ProtocolError(`message: piece of ${bytes.length} bytes`);
    return { type: 'piece', piece: readUint32(bytes, 1), offset: readUint32(bytes, 5), block: bytes.subarray(9) };
  }
  const block = blockById.get(id);
  if (block !== undefined) {
    expectLength(bytes, 13);
    return { type: block, piece: readUint32(bytes, 1), offset: readUint32(bytes, 5), length: readUint32(bytes, 9) };
  }
  const piece = pieceById.get(id);
  if (piece !== undefined) {
    expectLength(bytes, 5);
    return { type: piece, piece: readUint32(bytes, 1) };
  }
  if (id === BITFIELD) return { type: 'bitfield', bits: bytes.subarray(1) };
  if (id === EXTENDED) {
    if (bytes.length < 2) throw new ProtocolError('message: extended without an id');
    return { type: 'extended', id: bytes[1] as number, payload: bytes.subarray(2) };
  }
  const bare = bareById.get(id);
  if (bare === undefined) return undefined;
  expectLength(bytes, 1);
  return { type: bare };
};

/** Big-endian number of four bytes. */
export const readUint32 = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)) >>>
  0;

const frame = (id: number, numbers: readonly number[], tail?: Uint8Array): Uint8Array => {
  const length = 1 + numbers.length * 4 + (tail?.length ?? 0);
  const bytes = new Uint8Array(4 + length);
  writeUint32(bytes, 0, length);
  bytes[4] = id;
  let at = 5;
  for (const number of numbers) {
    writeUint32(bytes, at, number);
    at += 4;
  }
  if (tail !== undefined) bytes.set(tail, at);
  return bytes;
};

const writeUint32 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
};

const expectLength = (bytes: Uint8Array, length: number): void => {
  if (bytes.length !== length) throw new ProtocolError(`message: id ${bytes[0]} with ${bytes.length} bytes`);
};

function entries<T extends string>(ids: Readonly<Record<T, number>>): [number, T][] {
  return (Object.keys(ids) as T[]).map((type) => [ids[type], type]);
}
