import { createHash, randomBytes } from 'node:crypto';
import type { Handshake } from '#protocol/handshake.ts';
import { decodeMetainfo } from '#protocol/metainfo.ts';
import { createGeometry, type Geometry } from '#torrent/geometry.ts';
import { CLIENT_ID } from './version.ts';

/** What a .torrent file says, as the parts of a peer need it. */
export interface TorrentIdentity {
  readonly geometry: Geometry;
  /** SHA-1 of every piece, one after the other. */
  readonly pieces: Uint8Array;
  /** The handshake of this peer: the torrent's info hash and an id of its own (BEP 20). */
  readonly hello: Handshake;
  /** Longest wire message that makes sense, bytes. */
  readonly maxMessage: number;
}

const MAX_BLOCK_MESSAGE = 128 * 1024 + 9;

/** Reads a .torrent file and makes a peer id. @throws ProtocolError */
export const readTorrent = (bytes: Uint8Array): TorrentIdentity => {
  const { length, pieceLength, pieces, infoBytes } = decodeMetainfo(bytes);
  const geometry = createGeometry(length, pieceLength);
  const infoHash = createHash('sha1').update(infoBytes).digest();
  const peerId = Buffer.concat([Buffer.from(CLIENT_ID), randomBytes(20 - CLIENT_ID.length)]);
  return {
    ...{ geometry, pieces },
    hello: { infoHash, peerId, fast: true, extended: true },
    maxMessage: Math.max(MAX_BLOCK_MESSAGE, 1 + Math.ceil(geometry.pieces / 8)),
  };
};
