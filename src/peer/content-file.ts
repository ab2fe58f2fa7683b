import { constants, open } from 'node:fs/promises';

/** The one file that holds the content, read and written at offsets in bytes. Errors are those of the system. */
export interface ContentFile {
  /** Bytes in the file when it was opened, at most the content's length. */
  readonly present: number;
  /** Fills `target` with what is at `offset`; returns the bytes there were. */
  read(target: Uint8Array, offset: number): Promise<number>;
  /** Writes all of `bytes`. */
  write(bytes: Uint8Array, offset: number): Promise<void>;
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
    write: async (bytes, offset) => {
      let done = 0;
      while (done < bytes.length) {
        const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done);
        done += bytesWritten;
      }
    },
    close: () => file.close(),
  };
};

/** Fills all of `target` with what is at `offset`. @throws Error where the file ends before. */
export const readExactly = async (file: ContentFile, target: Uint8Array, offset: number): Promise<void> => {
  const read = await file.read(target, offset);
  if (read < target.length) throw new Error(`the content file ends at ${offset + read}: it was cut by somebody else`);
};
