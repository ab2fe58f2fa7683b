import type { ContentFile } from './content-file.ts';

/** A file whose writes happen a moment later, many at a time. Reads see what was written. */
export interface WriteBehind extends Omit<ContentFile, 'write'> {
  /**
   * Takes bytes that stay as they are until `written` is called. Returns a promise where so much waits already that
   * the caller has to. Rejects, as all other calls from then on, once the system has refused a write.
   */
  write(parts: readonly Uint8Array[], offset: number, written: () => void): Promise<void> | undefined;
  /** Resolves when everything is in the file. */
  flush(): Promise<void>;
}

interface Waiting {
  readonly parts: readonly Uint8Array[];
  readonly offset: number;
  readonly end: number;
  readonly written: () => void;
}

/**
 * A piece can be passed on as soon as its hash is right, and need not wait for the disk; and a write of its own for each
 * small piece costs more than everything else that happens to it, since every one crosses threads twice. So pieces gather for
 * GATHER_MS or until FULL_BYTES, and go out together, neighbours in one call: within a second most of them have come. That
 * takes hardly more memory, for what has just come in is kept to be passed on anyway.
 */
const GATHER_MS = 1000;
const FULL_BYTES = 4 * 1024 * 1024;
const MOST_BYTES = 12 * 1024 * 1024;

/** Writes behind the back of whoever writes. */
export const createWriteBehind = (file: ContentFile): WriteBehind => {
  let waiting: Waiting[] = [];
  let writing: Waiting[] = [];
  let bytes = 0; // of both
  let timer: NodeJS.Timeout | undefined;
  let flushing: Promise<void> | undefined; // rejected for good once a write has failed
  let failed = false;

  const writeAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      writing = waiting.sort((left, right) => left.offset - right.offset);
      waiting = [];
      for (const run of runsOf(writing)) {
        const parts = run.flatMap((entry) => entry.parts);
        await file.write(parts, run[0]!.offset);
        for (const { written, offset, end } of run) {
          bytes -= end - offset;
          written();
        }
      }
      writing = [];
    }
    flushing = undefined;
  };

  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    if (flushing === undefined && waiting.length > 0) {
      flushing = writeAll();
      flushing.catch(() => {
        failed = true; // told to the next caller
      });
    }
    return flushing ?? Promise.resolve();
  };

  const isOnItsWay = (offset: number, end: number): boolean =>
    [...writing, ...waiting].some((entry) => entry.offset < end && offset < entry.end);

  return {
    present: file.present,
    read: async (target, offset) => {
      if (isOnItsWay(offset, offset + target.length)) await flush();
      return file.read(target, offset);
    },
    write: (parts, offset, written) => {
      const size = parts.reduce((sum, part) => sum + part.length, 0);
      waiting.push({ parts, offset, end: offset + size, written });
      bytes += size;
      if (failed || bytes >= MOST_BYTES) return flush();
      if (bytes >= FULL_BYTES) void flush();
      else timer ??= setTimeout(flush, GATHER_MS);
      return undefined;
    },
    flush,
    close: async () => {
      await flush().catch(() => {}); // whoever closes a peer whose disk failed has been told why
      await file.close();
    },
  };
};

/** Cuts what is sorted by offset into runs without a gap. */
const runsOf = (sorted: readonly Waiting[]): Waiting[][] => {
  const runs: Waiting[][] = [];
  for (const entry of sorted) {
    const run = runs.at(-1);
    if (run !== undefined && run.length < MOST_IN_A_RUN && run.at(-1)!.end === entry.offset) run.push(entry);
    else runs.push([entry]);
  }
  return runs;
};

const MOST_IN_A_RUN = 256;
