import bencode from 'bencode';
import { ProtocolError } from './protocol-error.ts';

/**
 * Bencoding (BEP 3), canonical only: what decodes encodes to the same bytes again. The npm package alone takes `i01e`,
 * short strings, unsorted keys and bytes after the end; here its result must encode back to its input, which catches
 * all of them. Keys are printable ASCII, as in every BEP that Rookery speaks.
 */
export type BencodeValue = number | Uint8Array | readonly BencodeValue[] | BencodeDictionary;
export type BencodeDictionary = ReadonlyMap<string, BencodeValue>;

/** Deepest nesting of lists and dictionaries. */
export const MAX_BENCODE_DEPTH = 32;

/** Largest input in bytes, unless the caller says otherwise. */
export const MAX_BENCODE_BYTES = 8 * 1024 * 1024;

/** The one canonical encoding of a value. @throws ProtocolError for unsafe integers, bad keys and too deep nesting. */
export const encodeBencode = (value: BencodeValue): Uint8Array => {
  checkValue(value, 0);
  return plainBytes(bencode.encode(value));
};

/** The value of canonical bytes; byte strings are copies. @throws ProtocolError for anything else. */
export const decodeBencode = (bytes: Uint8Array, maxBytes: number = MAX_BENCODE_BYTES): BencodeValue => {
  if (bytes.length > maxBytes) throw new ProtocolError(`bencode: ${bytes.length} bytes, at most ${maxBytes} are taken`);
  checkDepth(bytes);
  const value = convert(decodeLax(bytes));
  if (!sameBytes(encodeBencode(value), bytes)) throw new ProtocolError('bencode: not in canonical form');
  return value;
};

/** Bytes of a text in UTF-8, for values. */
export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const checkValue = (value: BencodeValue, depth: number): void => {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new ProtocolError(`bencode: ${value} is not a safe integer`);
  } else if (value instanceof Uint8Array) {
    return;
  } else if (depth === MAX_BENCODE_DEPTH) {
    throw new ProtocolError('bencode: nested too deep');
  } else if (Array.isArray(value)) {
    for (const item of value) checkValue(item, depth + 1);
  } else if (value instanceof Map) {
    for (const [key, item] of value) {
      checkKey(key);
      checkValue(item, depth + 1);
    }
  } else {
    throw new ProtocolError(`bencode: cannot encode a ${typeof value}`);
  }
};

/** The package keeps dictionaries as plain objects, where `__proto__` would be lost. */
const checkKey = (key: string): void => {
  if (!/^[\x20-\x7e]*$/.test(key) || key === '__proto__') throw new ProtocolError(`bencode: bad key ${key}`);
};

/** Walks over the tokens before the recursive decoder sees them: depth is what could exhaust its stack. */
const checkDepth = (bytes: Uint8Array): void => {
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === LIST || byte === DICTIONARY) {
      if (++depth > MAX_BENCODE_DEPTH) throw new ProtocolError('bencode: nested too deep');
    } else if (byte === END) {
      depth--;
    } else if (byte === INTEGER) {
      while (at + 1 < bytes.length && bytes[at] !== END) at++;
    } else {
      at = endOfString(bytes, at) - 1;
    }
  }
};

const endOfString = (bytes: Uint8Array, start: number): number => {
  let length = 0;
  for (let at = start; at < bytes.length && length <= bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === COLON && at > start) return at + 1 + length;
    if (byte < ZERO || byte > ZERO + 9) break;
    length = length * 10 + (byte - ZERO);
  }
  throw new ProtocolError('bencode: neither integer, string, list nor dictionary');
};

const decodeLax = (bytes: Uint8Array): unknown => {
  try {
    return bencode.decode(bytes);
  } catch (error) {
    throw new ProtocolError(`bencode: ${(error as Error).message}`);
  }
};

const convert = (value: unknown): BencodeValue => {
  if (typeof value === 'number') return value;
  if (value instanceof Uint8Array) return plainBytes(value);
  if (Array.isArray(value)) return value.map(convert);
  if (typeof value !== 'object' || value === null) throw new ProtocolError('bencode: empty');
  return new Map(Object.entries(value).map(([key, item]) => [key, convert(item)]));
};

const plainBytes = (bytes: Uint8Array): Uint8Array =>
  bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const sameBytes = (left: Uint8Array, right: Uint8Array): boolean =>
  left.length === right.length && left.every((byte, index) => byte === right[index]);

const ZERO = 0x30;
const COLON = 0x3a;
const DICTIONARY = 0x64;
const END = 0x65;
const INTEGER = 0x69;
const LIST = 0x6c;
