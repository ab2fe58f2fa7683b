import type { FileHashes } from '#artifact/hash-pieces.ts';
import type { Metainfo } from '#protocol/metainfo.ts';

/** What tells a file from the content of a torrent, in words; undefined where it is the very content. */
export const findDifference = (torrent: Metainfo, file: FileHashes): string | undefined => {
  const { length, pieceLength, pieces, pieceSha256 } = torrent;
  if (file.bytes !== length) return `it has ${file.bytes} bytes, the torrent ${length}`;
  const [wanted, actual] = pieceSha256 ? [pieceSha256, file.pieceSha256] : [pieces, file.pieceHashes];
  const size = pieceSha256 ? 32 : 20;
  const count = wanted.length / size;
  const same = (piece: number): boolean =>
    Buffer.compare(
      wanted.subarray(piece * size, (piece + 1) * size),
      actual.subarray(piece * size, (piece + 1) * size),
    ) === 0;
  const wrong = Array.from({ length: count }, (_, piece) => piece).filter((piece) => !same(piece));
  const [first] = wrong;
  if (first === undefined) return undefined;
  const more = wrong.length > 1 ? `, and ${wrong.length - 1} more` : '';
  return `piece ${first + 1} of ${count} (from byte ${first * pieceLength}) is not right${more}`;
};
