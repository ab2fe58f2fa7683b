import { constants, open } from 'node:fs/promises';

/** The one file that holds the content, read and written at offsets in bytes. Errors are those of the system. */
export interface ContentFile {
  /** Bytes in the file when it was opened, at most the content's length. */
  readonly present: number;
  /** Fills `target` with what is at `offset`; returns the bytes there were. */
  read(target: Uint8Array, offset: number): Promise<number>;
  /** Writes all of the parts, one after the other. */
  write(parts: readonly Uint8Array[], offset: number): Promise<void>;
  close(): Promise<void>;
}

/** Opens the content for reading only, or for writing: then it is made where it is missing, and cut to `length`. */
export const openContentFile = async (path: string, length: number, writable: boolean): Promise<ContentFile> => {
  const file = await open(path, writable ? constants.O_RDWR | constants.O_CREAT : constants.O_RDONLY, 0o600);
  const { size } = await file.stat();
  if (writable && size > length) await file.truncate(length);
  return {
    present: Math.min(size, length),
    read: async (target, offset) => {
      let done = 0;
      while (done < target.length) {
        const { bytesRead } = await file.read(target, done, target.length - done, offset + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return done;
    },
    // A disk that runs full writes a part first, and reports only the next write.
    write: async (parts, offset) => {
      let left = [...parts];
      for (let at = offset; left.length > 0; ) {
        const { bytesWritten } = await file.writev(left, at);
        left = without(left, bytesWritten);
        at += bytesWritten;
      }
    },
    close: () => file.close(),
  };
};

/** What is left of the parts after their first bytes. */
const without = (parts: readonly Uint8Array[], bytes: number): Uint8Array[] => {
  let done = bytes;
  let whole = 0;
  while (whole < parts.length && done >= parts[whole]!.length) done -= parts[whole++]!.length;
  const [first, ...rest] = parts.slice(whole);
  return first === undefined ? [] : [first.subarray(done), ...rest];
};

/** Fills all of `target` with what is at `offset`. @throws Error where the file ends before. */
export const readExactly = async (
  file: Pick<ContentFile, 'read'>,
  target: Uint8Array,
  offset: number,
): Promise<void> => {
  const read = await file.read(target, offset);
  if (read < target.length) throw new Error(`the content file ends at ${offset + read}: it was cut by somebody else`);
};
