import { createHash } from 'node:crypto';
import { HASH_BYTES } from '#protocol/metainfo.ts';
import { type Bitfield, createBitfield } from '#torrent/bitfield.ts';
import type { Geometry } from '#torrent/geometry.ts';
import { createChunkCache, type LentBlock } from './chunk-cache.ts';
import { type ContentFile, openContentFile } from './content-file.ts';
import { PeerError } from './peer-error.ts';
import { createPrefixHash, type PrefixHash } from './prefix-hash.ts';

/** The content on disk. Only verified pieces are written, so a later peer finds nothing there but right pieces and gaps. */
export interface DiskStore {
  /** Pieces found right when the store was opened. */
  readonly have: Bitfield;
  /** A block of a piece that is present; at once where it is in memory. */
  read(piece: number, offset: number, length: number): LentBlock | Promise<LentBlock>;
  /** Memory for a piece that is coming in. */
  place(piece: number): Uint8Array;
  /** Gives up a piece that is coming in. */
  discard(piece: number): void;
  /** Writes the placed piece if its hash is right; tells whether it was. */
  commit(piece: number): Promise<boolean>;
  /** Bytes from the start that are in the SHA-256 of the whole so far. */
  readonly hashed: number;
  /** SHA-256 of the whole content once every piece is present, hex. Called once. */
  hashAll(): Promise<string>;
  close(): Promise<void>;
}

export interface StoreOptions {
  readonly path: string;
  readonly geometry: Geometry;
  /** SHA-1 of every piece, one after the other. */
  readonly pieces: Uint8Array;
  /** The file is known to be whole and right: it is only read. */
  readonly complete: boolean;
}

/** A peer shares its host with an application; the seeder has the deployer's memory, and is asked for everything by everybody. */
const CACHE_BYTES = 16 * 1024 * 1024;
const SEEDER_CACHE_BYTES = 128 * 1024 * 1024;

/** Opens the file and verifies what it holds. @throws PeerError and the system's errors. */
export const openStore = async (options: StoreOptions): Promise<DiskStore> => {
  const { path, geometry, complete } = options;
  const file = await openContentFile(path, geometry.length, !complete);
  if (complete && file.present < geometry.length) {
    await file.close();
    throw new PeerError('verify', `${path} has ${file.present} of ${geometry.length} bytes`);
  }
  const whole = createPrefixHash(file, geometry);
  const have = complete ? createBitfield(geometry.pieces, true) : await verifyPresent(file, whole, options);
  const cache = createChunkCache(file, geometry, complete ? SEEDER_CACHE_BYTES : CACHE_BYTES);
  const coming = new Map<number, Uint8Array>();
  const spare: Uint8Array[] = [];

  const discard = (piece: number): void => {
    const bytes = coming.get(piece);
    coming.delete(piece);
    if (bytes !== undefined && spare.length * geometry.pieceLength < SPARE_BYTES) spare.push(bytes);
  };

  const place = (piece: number): Uint8Array => {
    const known = coming.get(piece);
    if (known !== undefined) return known;
    const bytes = spare.pop() ?? Buffer.allocUnsafeSlow(geometry.pieceLength);
    coming.set(piece, bytes);
    return bytes;
  };

  return {
    ...{ have, place, discard },
    get hashed() {
      return whole.hashed;
    },
    read: cache.read,
    commit: async (piece) => {
      const bytes = place(piece).subarray(0, geometry.pieceSize(piece));
      const right = isRight(options, piece, bytes);
      if (right) {
        await file.write(bytes, piece * geometry.pieceLength);
        whole.add(piece, bytes);
      }
      discard(piece);
      return right;
    },
    hashAll: whole.digest,
    close: () => file.close(),
  };
};

const SPARE_BYTES = 16 * 1024 * 1024;

const verifyPresent = async (file: ContentFile, whole: PrefixHash, options: StoreOptions): Promise<Bitfield> => {
  const { geometry } = options;
  const have = createBitfield(geometry.pieces);
  const buffer = Buffer.allocUnsafeSlow(geometry.pieceLength);
  for (let piece = 0; piece < geometry.pieces; piece++) {
    const offset = piece * geometry.pieceLength;
    const bytes = buffer.subarray(0, geometry.pieceSize(piece));
    if (offset + bytes.length > file.present) break;
    if ((await file.read(bytes, offset)) < bytes.length || !isRight(options, piece, bytes)) continue;
    have.add(piece);
    whole.add(piece, bytes);
  }
  return have;
};

const isRight = ({ pieces }: StoreOptions, piece: number, bytes: Uint8Array): boolean => {
  const wanted = pieces.subarray(piece * HASH_BYTES, (piece + 1) * HASH_BYTES);
  return createHash('sha1').update(bytes).digest().equals(wanted);
};
