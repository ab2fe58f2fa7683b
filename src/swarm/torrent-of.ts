import { createHash } from 'node:crypto';
import type { Artifact } from '#artifact/artifact.ts';
import { decodeMetainfo, encodeMetainfo, type Metainfo } from '#protocol/metainfo.ts';

/** What a .torrent says of an artifact. Only its trackers name peers: nobody looks for them elsewhere. */
export const torrentOf = (artifact: Artifact, name: string): Metainfo => ({
  name,
  length: artifact.bytes,
  pieceLength: artifact.pieceLength,
  pieces: artifact.pieceHashes,
  pieceSha256: artifact.pieceSha256,
  private: true,
});

/** The name of a torrent among all clients and trackers, 40 hex digits. @throws ProtocolError when it is none */
export const infoHashOf = (torrent: Metainfo | Uint8Array): string => {
  const { infoBytes } = decodeMetainfo(torrent instanceof Uint8Array ? torrent : encodeMetainfo(torrent));
  return createHash('sha1').update(infoBytes).digest('hex');
};
