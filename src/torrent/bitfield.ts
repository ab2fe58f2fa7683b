import { ProtocolError } from '#protocol/protocol-error.ts';

/** A set of piece numbers, kept as the bits of BEP 3: piece 0 is the highest bit of byte 0. */
export interface Bitfield {
  /** Pieces there are, present or not. */
  readonly size: number;
  /** Pieces present. */
  readonly count: number;
  /** The bits as sent on the wire; a live view. */
  readonly bytes: Uint8Array;
  has(piece: number): boolean;
  /** Adds a piece; false when it was there before. */
  add(piece: number): boolean;
}

/** A set of no piece, or of all `size` pieces. */
export const createBitfield = (size: number, full = false): Bitfield => {
  const bytes = new Uint8Array(Math.ceil(size / 8)).fill(full ? 255 : 0);
  const spare = bytes.length * 8 - size;
  if (full && spare > 0) bytes[bytes.length - 1] = (255 << spare) & 255;
  return wrap(bytes, size, full ? size : 0);
};

/** Reads the payload of a bitfield message; copies it. @throws ProtocolError when it does not fit `size` pieces. */
export const parseBitfield = (payload: Uint8Array, size: number): Bitfield => {
  if (payload.length !== Math.ceil(size / 8))
    throw new ProtocolError(`bitfield: ${payload.length} bytes, ${size} pieces`);
  const spare = payload.length * 8 - size;
  if (spare > 0 && ((payload[payload.length - 1] as number) & ((1 << spare) - 1)) !== 0) {
    throw new ProtocolError('bitfield: spare bits are set');
  }
  const bytes = new Uint8Array(payload); // a copy, which `slice` of a Buffer is not
  const count = bytes.reduce((sum, byte) => sum + onesOf(byte), 0);
  return wrap(bytes, size, count);
};

const wrap = (bytes: Uint8Array, size: number, present: number): Bitfield => {
  let count = present;
  const has = (piece: number): boolean => ((bytes[piece >> 3] as number) & (128 >> (piece & 7))) !== 0;
  return {
    size,
    bytes,
    has,
    get count() {
      return count;
    },
    add: (piece) => {
      if (has(piece)) return false;
      bytes[piece >> 3] = (bytes[piece >> 3] as number) | (128 >> (piece & 7));
      count++;
      return true;
    },
  };
};

const onesOf = (byte: number): number => {
  let ones = 0;
  for (let rest = byte; rest !== 0; rest &= rest - 1) ones++;
  return ones;
};
