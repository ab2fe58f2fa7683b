/** The missing pieces, found by how few neighbours have them. */
export interface RarityIndex {
  /** Missing pieces. */
  readonly size: number;
  /** Missing pieces that a neighbour has. */
  readonly available: number;
  has(piece: number): boolean;
  add(piece: number): void;
  remove(piece: number): void;
  /** Neighbours that have a piece, missing or not. */
  sources(piece: number): number;
  addSource(piece: number): void;
  removeSource(piece: number): void;
  /** The rarest missing piece with a source that `accept` takes, chance deciding between equals; looks at `limit` at most. */
  rarest(accept: (piece: number) => boolean, limit?: number): number | undefined;
}

/**
 * Missing pieces lie in one list for each number of sources, and a piece changes its list as neighbours tell of it: so the rarest
 * are at hand without looking through all, however large the torrent.
 */
export const createRarityIndex = (pieces: number, random: () => number): RarityIndex => {
  const sources = new Uint32Array(pieces);
  const place = new Int32Array(pieces).fill(-1); // in its list; -1 when it is not missing
  const lists: number[][] = [[]];
  let size = 0;

  const listOf = (piece: number): number[] => {
    const count = sources[piece] as number;
    while (lists.length <= count) lists.push([]);
    return lists[count] as number[];
  };
  const put = (piece: number): void => {
    place[piece] = listOf(piece).push(piece) - 1;
  };
  const take = (piece: number): void => {
    const list = listOf(piece);
    const last = list.pop() as number;
    if (last === piece) return;
    list[place[piece] as number] = last;
    place[last] = place[piece] as number;
  };
  const has = (piece: number): boolean => place[piece] !== -1;
  const change = (piece: number, by: number): void => {
    const missing = has(piece);
    if (missing) take(piece);
    sources[piece] = (sources[piece] as number) + by;
    if (missing) put(piece);
  };

  return {
    get size() {
      return size;
    },
    get available() {
      return size - (lists[0] as number[]).length;
    },
    has,
    add: (piece) => {
      if (has(piece)) return;
      put(piece);
      size++;
    },
    remove: (piece) => {
      if (!has(piece)) return;
      take(piece);
      place[piece] = -1;
      size--;
    },
    sources: (piece) => sources[piece] as number,
    addSource: (piece) => change(piece, 1),
    removeSource: (piece) => change(piece, -1),
    rarest: (accept, limit = Number.POSITIVE_INFINITY) => {
      let left = limit;
      for (let count = 1; count < lists.length; count++) {
        const list = lists[count] as number[];
        if (list.length === 0) continue;
        const start = Math.floor(random() * list.length);
        for (let step = 0; step < list.length; step++) {
          const piece = list[(start + step) % list.length] as number;
          if (accept(piece)) return piece;
          if (--left <= 0) return undefined;
        }
      }
      return undefined;
    },
  };
};
