import { createHash, randomBytes } from 'node:crypto';
import { choosePieceLength, encodeMetainfo } from '#protocol/metainfo.ts';

/** Content and its .torrent file, for tests. */
export interface TestTorrent {
  readonly content: Buffer;
  readonly metainfo: Uint8Array;
  /** Of the whole content, hex. */
  readonly sha256: string;
  readonly pieceLength: number;
}

/** A torrent of `length` random bytes; with `sha256Pieces` it says the SHA-256 of every piece, as that of a deploy does. */
export const makeTorrent = (
  length: number,
  pieceLength = choosePieceLength(length, 8),
  announce?: string,
  { sha256Pieces = false }: { readonly sha256Pieces?: boolean } = {},
): TestTorrent => {
  const content = randomBytes(length);
  const hashesBy = (algorithm: string): Buffer =>
    Buffer.concat(
      Array.from({ length: Math.ceil(length / pieceLength) }, (_, piece) =>
        createHash(algorithm)
          .update(content.subarray(piece * pieceLength, (piece + 1) * pieceLength))
          .digest(),
      ),
    );
  const metainfo = encodeMetainfo({
    ...{ name: 'content', length, pieceLength, private: true, pieces: hashesBy('sha1') },
    ...(sha256Pieces ? { pieceSha256: hashesBy('sha256') } : {}),
    ...(announce === undefined ? {} : { announce }),
  });
  return { content, metainfo, pieceLength, sha256: createHash('sha256').update(content).digest('hex') };
};
