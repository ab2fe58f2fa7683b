import { type BencodeDictionary, type BencodeValue, decodeBencode, encodeBencode, utf8 } from './bencode.ts';
import { ProtocolError } from './protocol-error.ts';

/** A .torrent of one file (BEP 3). The info hash is the SHA-1 of `infoBytes`; hashing is the caller's. */
export interface Metainfo {
  readonly name: string;
  /** Size of the content in bytes. */
  readonly length: number;
  /** Size in bytes of every piece but the last. */
  readonly pieceLength: number;
  /** SHA-1 of each piece, 20 bytes each, one after the other. */
  readonly pieces: Uint8Array;
  /**
   * SHA-256 of each piece, 32 bytes each: beside `info`, so that the info hash stays what other clients make of it. They
   * prove the whole too, in any order of pieces, and nothing is left to hash when the last one is in.
   */
  readonly pieceSha256?: Uint8Array;
  /** Tracker URL. */
  readonly announce?: string;
  /** Every tracker URL where there are several, in the order in which they are to be tried (BEP 12). */
  readonly announceList?: readonly string[];
  /** The content is the tar of a directory, and whoever gets it is to unpack it: beside `info`, as `pieceSha256` is. */
  readonly packed?: 'tar';
  /** Only the tracker names peers (BEP 27). */
  readonly private: boolean;
}

const SHA1_BYTES = 20;
const SHA256_BYTES = 32;
export const MAX_PIECE_BYTES = 32 * 1024 * 1024;

/** The bytes of a .torrent file. @throws ProtocolError when the fields contradict each other. */
export const encodeMetainfo = (metainfo: Metainfo): Uint8Array => {
  check(metainfo);
  const entries: [string, BencodeValue][] = [['info', infoOf(metainfo)]];
  const { announce, announceList, packed } = metainfo;
  if (announce !== undefined) entries.push(['announce', utf8(announce)]);
  if (announceList !== undefined) entries.push(['announce-list', announceList.map((url) => [utf8(url)])]);
  if (packed !== undefined) entries.push([PACKED, utf8(packed)]);
  if (metainfo.pieceSha256 !== undefined) entries.push([PIECE_SHA256, metainfo.pieceSha256]);
  return encodeBencode(new Map(entries));
};

/** Reads a .torrent file of one file. @throws ProtocolError when it is anything else. */
export const decodeMetainfo = (bytes: Uint8Array): Metainfo & { readonly infoBytes: Uint8Array } => {
  const root = dictionary(decodeBencode(bytes), 'root');
  const info = dictionary(root.get('info'), 'info');
  if (info.has('files')) throw new ProtocolError('metainfo: holds several files, one is taken');
  const announce = root.get('announce');
  const announceList = tiersOf(root.get('announce-list')).flat();
  const pieceSha256 = root.get(PIECE_SHA256);
  const metainfo: Metainfo = {
    name: text(info.get('name'), 'name'),
    length: integer(info.get('length'), 'length'),
    pieceLength: integer(info.get('piece length'), 'piece length'),
    pieces: byteString(info.get('pieces'), 'pieces'),
    private: info.get('private') === 1,
    ...(announce === undefined ? {} : { announce: text(announce, 'announce') }),
    ...(announceList.length === 0 ? {} : { announceList }),
    ...(root.has(PACKED) ? { packed: packing(root.get(PACKED)) } : {}),
    ...(pieceSha256 === undefined ? {} : { pieceSha256: byteString(pieceSha256, PIECE_SHA256) }),
  };
  check(metainfo);
  return { ...metainfo, infoBytes: encodeBencode(info) };
};

/** The trackers of a .torrent, in the order in which they are to be tried. */
export const trackersOf = ({ announce, announceList }: Pick<Metainfo, 'announce' | 'announceList'>): string[] => [
  ...new Set(announceList ?? (announce === undefined ? [] : [announce])),
];

/**
 * A power of two up to 4 MiB. A host passes a new piece on to all its neighbours, one after the other, and this shall take
 * 1/128 of the whole transfer at the most; but each piece costs every host some work, so there are no more than about
 * 4,000, and none is smaller than 32 KiB, or 16 KiB where the whole is small.
 */
export const choosePieceLength = (bytes: number, hosts: number): number => {
  const neighbours = Math.min(Math.max(hosts, 1), 16);
  let length = bytes < SMALL_BYTES ? 16 * 1024 : 32 * 1024;
  while (length < 4 * 1024 * 1024 && (length * 2 <= bytes / neighbours / 128 || bytes / length > 4096)) length *= 2;
  return length;
};

const SMALL_BYTES = 4 * 1024 * 1024;

const PIECE_SHA256 = 'piece sha256';
const PACKED = 'packed';

const infoOf = (metainfo: Metainfo): BencodeDictionary => {
  const entries: [string, BencodeValue][] = [
    ['length', metainfo.length],
    ['name', utf8(metainfo.name)],
    ['piece length', metainfo.pieceLength],
    ['pieces', metainfo.pieces],
  ];
  if (metainfo.private) entries.push(['private', 1]);
  return new Map(entries);
};

const check = ({ name, length, pieceLength, pieces, pieceSha256 }: Metainfo): void => {
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) {
    throw new ProtocolError(`metainfo: ${JSON.stringify(name)} is not a file name`);
  }
  if (!Number.isSafeInteger(length) || length < 0) throw new ProtocolError(`metainfo: length ${length}`);
  if (!Number.isSafeInteger(pieceLength) || pieceLength < 1 || pieceLength > MAX_PIECE_BYTES) {
    throw new ProtocolError(`metainfo: piece length ${pieceLength}`);
  }
  const count = Math.ceil(length / pieceLength);
  checkHashes(pieces, count * SHA1_BYTES);
  if (pieceSha256 !== undefined) checkHashes(pieceSha256, count * SHA256_BYTES);
};

const checkHashes = (hashes: Uint8Array, wanted: number): void => {
  if (hashes.length !== wanted) throw new ProtocolError(`metainfo: ${hashes.length} bytes of hashes, not ${wanted}`);
};

const tiersOf = (value: BencodeValue | undefined): string[][] =>
  value === undefined ? [] : list(value).map((tier) => list(tier).map((url) => text(url, 'announce-list')));

const list = (value: BencodeValue): readonly BencodeValue[] => {
  if (Array.isArray(value)) return value;
  throw new ProtocolError('metainfo: announce-list is not a list of lists');
};

const packing = (value: BencodeValue | undefined): 'tar' => {
  if (text(value, PACKED) === 'tar') return 'tar';
  throw new ProtocolError('metainfo: packed in a way that this version does not know');
};

const dictionary = (value: BencodeValue | undefined, what: string): BencodeDictionary => {
  if (value instanceof Map) return value;
  throw new ProtocolError(`metainfo: ${what} is not a dictionary`);
};

const integer = (value: BencodeValue | undefined, what: string): number => {
  if (typeof value === 'number') return value;
  throw new ProtocolError(`metainfo: ${what} is not an integer`);
};

const byteString = (value: BencodeValue | undefined, what: string): Uint8Array => {
  if (value instanceof Uint8Array) return value;
  throw new ProtocolError(`metainfo: ${what} is not a string`);
};

const text = (value: BencodeValue | undefined, what: string): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(byteString(value, what));
  } catch {
    throw new ProtocolError(`metainfo: ${what} is not text in UTF-8`);
  }
};
