import { type Bitfield, createBitfield } from '#torrent/bitfield.ts';
import type { Geometry } from '#torrent/geometry.ts';
import { createChunkCache, type LentBlock } from './chunk-cache.ts';
import { createChunkPool } from './chunk-pool.ts';
import { type ContentFile, openContentFile } from './content-file.ts';
import { createIncomingPieces } from './incoming-pieces.ts';
import { PeerError } from './peer-error.ts';
import { isRight, type PieceProof } from './piece-proof.ts';
import { createPrefixHash, type PrefixHash } from './prefix-hash.ts';
import { createWriteBehind } from './write-behind.ts';

/** The content on disk. Only verified pieces are written, so a later peer finds nothing there but right pieces and gaps. */
export interface DiskStore {
  /** Pieces found right when the store was opened. */
  readonly have: Bitfield;
  /** A block of a piece that is present; at once where it is in memory. */
  read(piece: number, offset: number, length: number): LentBlock | Promise<LentBlock>;
  /** Keeps a block of a piece that is coming in. */
  put(piece: number, offset: number, block: Uint8Array): void;
  /** Gives up a piece that is coming in. */
  discard(piece: number): void;
  /**
   * Takes over a piece whose blocks are all here if its hash is right; tells whether it was. It is written a moment
   * later; a promise where the disk does not keep up.
   */
  commit(piece: number): boolean | Promise<boolean>;
  /** Bytes from the start that are in the SHA-256 of the whole so far. */
  readonly hashed: number;
  /** Resolves when every piece that was committed is in the file. */
  flush(): Promise<void>;
  /** SHA-256 of the whole content once every piece is present, hex. Called once, and only if `hashesWhole`. */
  hashAll(): Promise<string>;
  close(): Promise<void>;
}

export interface StoreOptions {
  readonly path: string;
  readonly geometry: Geometry;
  readonly proof: PieceProof;
  /** The SHA-256 of the whole will be asked for. */
  readonly hashesWhole: boolean;
  /** The file is known to be whole and right: it is only read. */
  readonly complete: boolean;
}

/** Unit of memory for pieces that come in and for those that are served. */
const CHUNK_BYTES = 256 * 1024;

/** A peer shares its host with an application; the seeder has the deployer's memory, and is asked for everything by everybody. */
const CACHE_BYTES = 16 * 1024 * 1024;
const SEEDER_CACHE_BYTES = 128 * 1024 * 1024;

/** Opens the file and verifies what it holds. @throws PeerError and the system's errors. */
export const openStore = async (options: StoreOptions): Promise<DiskStore> => {
  const { path, geometry, proof, complete, hashesWhole } = options;
  const file = await openContentFile(path, geometry.length, !complete);
  if (complete && file.present < geometry.length) {
    await file.close();
    throw new PeerError('verify', `${path} has ${file.present} of ${geometry.length} bytes`);
  }
  const behind = createWriteBehind(file);
  const whole = createPrefixHash(behind, geometry);
  const have = complete ? createBitfield(geometry.pieces, true) : await verifyPresent(file, whole, options);
  const pool = createChunkPool(Math.min(CHUNK_BYTES, geometry.pieceLength));
  const cache = createChunkCache(behind, geometry, pool, complete ? SEEDER_CACHE_BYTES : CACHE_BYTES);
  const incoming = createIncomingPieces(geometry, pool);

  return {
    have,
    get hashed() {
      return whole.hashed;
    },
    read: cache.read,
    put: incoming.put,
    discard: incoming.discard,
    commit: (piece) => {
      const parts = incoming.parts(piece);
      if (!isRight(proof, piece, parts)) {
        incoming.discard(piece);
        return false;
      }
      if (hashesWhole) whole.add(piece, parts);
      const written = cache.keep(piece, incoming.take(piece));
      const crowded = behind.write(parts, piece * geometry.pieceLength, written);
      return crowded === undefined ? true : crowded.then(() => true);
    },
    flush: behind.flush,
    hashAll: async () => {
      await behind.flush();
      return whole.digest();
    },
    close: behind.close,
  };
};

const verifyPresent = async (file: ContentFile, whole: PrefixHash, options: StoreOptions): Promise<Bitfield> => {
  const { geometry, proof, hashesWhole } = options;
  const have = createBitfield(geometry.pieces);
  const buffer = Buffer.allocUnsafeSlow(geometry.pieceLength);
  for (let piece = 0; piece < geometry.pieces; piece++) {
    const offset = piece * geometry.pieceLength;
    const bytes = buffer.subarray(0, geometry.pieceSize(piece));
    if (offset + bytes.length > file.present) break;
    if ((await file.read(bytes, offset)) < bytes.length || !isRight(proof, piece, [bytes])) continue;
    have.add(piece);
    if (hashesWhole) whole.add(piece, [bytes]);
  }
  return have;
};
