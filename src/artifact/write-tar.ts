import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Pack } from 'tar-stream';
import type { Entry } from './artifact.ts';

/** Writes entries into a tar file and counts what is not a directory. Owner and group are 0: hosts keep their own. */
export const writeTar = async (
  entries: AsyncIterable<Entry>,
  path: string,
  signal: AbortSignal,
): Promise<{ files: number }> => {
  const { default: tar } = await import('tar-stream');
  const pack = tar.pack({ highWaterMark: 1 << 20 } as never);
  const written = pipeline(pack, createWriteStream(path, { mode: 0o600, highWaterMark: 1 << 20 }), { signal });
  written.catch((error) => pack.destroy(error)); // a full disk must end the packing, too
  let files = 0;
  try {
    for await (const entry of entries) {
      signal.throwIfAborted();
      if (entry.type !== 'directory') files++;
      await addEntry(pack, entry);
    }
  } catch (error) {
    pack.destroy(error as Error);
    // where the disk was the cause, the pack only says that it was ended
    throw await written.then(
      () => error,
      (cause: unknown) => cause,
    );
  }
  pack.finalize();
  await written;
  return { files };
};

/** Seconds that every tar and every host can tell: 1970 to 2038. */
const plainTime = (time: Date): Date => new Date(Math.min(Math.max(time.getTime(), 0), (2 ** 31 - 1) * 1000));

const addEntry = (pack: Pack, { content, ...entry }: Entry): Promise<void> =>
  new Promise((resolve, reject) => {
    const name = entry.type === 'directory' ? `${entry.name}/` : entry.name;
    const header = { ...entry, name, mtime: plainTime(entry.mtime), uid: 0, gid: 0 };
    const done = (error?: Error | null) => (error ? reject(error) : resolve());
    if (content === undefined || content instanceof Uint8Array) {
      pack.entry(header, Buffer.from(content ?? []), done);
      return;
    }
    pipeline(content, pack.entry(header, done) as unknown as NodeJS.WritableStream).catch(reject);
  });
