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

/** A torrent of `length` random bytes. */
export const makeTorrent = (
  length: number,
  pieceLength = choosePieceLength(length, 8),
  announce?: string,
): TestTorrent => {
  const content = randomBytes(length);
  const hashes: Buffer[] = [];
  for (let at = 0; at < length; at += pieceLength) {
    hashes.push(
      createHash('sha1')
        .update(content.subarray(at, at + pieceLength))
        .digest(),
    );
  }
  const metainfo = encodeMetainfo({
    ...{ name: 'content', length, pieceLength, private: true, pieces: Buffer.concat(hashes) },
    ...(announce === undefined ? {} : { announce }),
  });
  return { content, metainfo, pieceLength, sha256: createHash('sha256').update(content).digest('hex') };
};
