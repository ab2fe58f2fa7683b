/**
 * Lines to a stream in batches: a thousand hosts make many lines a tick, and every write is a system call. A stream
 * that breaks (`deploy | head`) must not end a deploy halfway: from then on nothing is written and nobody is told.
 */
import type { Writable } from 'node:stream';

export interface Writer {
  /** Writes with the next batch. */
  write(text: string): void;
  /** Writes what is waiting, at once. */
  flush(): void;
  /** Flushes and waits until the stream has taken all of it. */
  close(): Promise<void>;
}

/** A writer on a stream that stays the caller's: it is never ended. */
export const createWriter = (stream: Writable): Writer => {
  let waiting = '';
  let broken = false;
  let scheduled: NodeJS.Immediate | undefined;
  stream.on('error', () => {
    broken = true;
  });
  const flush = () => {
    clearImmediate(scheduled);
    scheduled = undefined;
    const text = waiting;
    waiting = '';
    if (text !== '' && !broken) stream.write(text);
  };
  return {
    flush,
    write(text) {
      waiting += text;
      if (waiting.length > 65_536) flush();
      else scheduled ??= setImmediate(flush);
    },
    close: () => {
      flush();
      if (broken || stream.destroyed || stream.writableEnded) return Promise.resolve();
      return new Promise((resolve) => {
        stream.once('close', resolve);
        stream.write('', () => {
          stream.off('close', resolve);
          resolve();
        });
      });
    },
  };
};
