import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { promisify } from 'node:util';

/** A point at which a command of a test waits until the test lets it go on: the command reads the file (`cat <path>`). */
export interface Gate {
  readonly path: string;
  /** Resolves when a command waits here. @throws when `unless` settles first, as the result of a program that should get here. */
  reached(unless: Promise<unknown>): Promise<void>;
  /** Lets whoever waits go on. */
  pass(): Promise<void>;
}

/** Makes one; opening a FIFO for writing waits for its reader, so there is nothing to poll. */
export const makeGate = async (path: string): Promise<Gate> => {
  await promisify(execFile)('mkfifo', [path]);
  let writer: FileHandle | undefined;
  return {
    path,
    reached: async (unless) => {
      const opened = open(path, 'w');
      let came = false;
      const missed = unless.then(async (result) => {
        if (came) return;
        await (await open(path, constants.O_RDONLY | constants.O_NONBLOCK)).close(); // lets the open above return
        await opened.then((handle) => handle.close());
        throw new Error(`nobody came to ${path}: ${JSON.stringify(result)}`);
      });
      const arrived = opened.then((handle) => {
        came = true;
        writer = handle;
      });
      await Promise.race([missed, arrived]);
    },
    pass: async () => {
      await writer?.close();
      writer = undefined;
    },
  };
};
