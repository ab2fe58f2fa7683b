import { createHash, randomBytes } from 'node:crypto';
import type { Handshake } from '#protocol/handshake.ts';
import { decodeMetainfo } from '#protocol/metainfo.ts';
import { BLOCK_BYTES, createGeometry, type Geometry } from '#torrent/geometry.ts';
import type { PieceProof } from './piece-proof.ts';
import { CLIENT_ID } from './version.ts';

/** What a .torrent file says, as the parts of a peer need it. */
export interface TorrentIdentity {
  readonly geometry: Geometry;
  /** The SHA-256 of its pieces where the file says them, their SHA-1 otherwise. */
  readonly proof: PieceProof;
  /** The handshake of this peer: the torrent's info hash and an id of its own (BEP 20). */
  readonly hello: Handshake;
  /** Longest wire message that makes sense, bytes. */
  readonly maxMessage: number;
}

/** A quarter of a piece, so that several neighbours can share one, from 16 to 64 KiB in steps of 16. */
const chooseBlock = (pieceLength: number): number =>
  Math.min(4, Math.max(1, Math.floor(pieceLength / 4 / BLOCK_BYTES))) * BLOCK_BYTES;

const MAX_BLOCK_MESSAGE = 128 * 1024 + 9;

/** Reads a .torrent file and makes a peer id. @throws ProtocolError */
export const readTorrent = (bytes: Uint8Array): TorrentIdentity => {
  const { length, pieceLength, pieces, pieceSha256, infoBytes } = decodeMetainfo(bytes);
  const geometry = createGeometry(length, pieceLength, chooseBlock(pieceLength));
  const infoHash = createHash('sha1').update(infoBytes).digest();
  const peerId = Buffer.concat([Buffer.from(CLIENT_ID), randomBytes(20 - CLIENT_ID.length)]);
  return {
    geometry,
    proof:
      pieceSha256 === undefined
        ? { algorithm: 'sha1', digests: pieces }
        : { algorithm: 'sha256', digests: pieceSha256 },
    hello: { infoHash, peerId, fast: true, extended: true },
    maxMessage: Math.max(MAX_BLOCK_MESSAGE, 1 + Math.ceil(geometry.pieces / 8)),
  };
};
