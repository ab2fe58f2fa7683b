import type { Entry } from './artifact.ts';
import { gather } from './gather.ts';

/** Passes entries on, and tells the names of those that are pointers of Git LFS in place of the files that were meant. */
export const watchForPointers = async function* (
  entries: AsyncIterable<Entry>,
  found: (name: string) => void,
): AsyncGenerator<Entry> {
  for await (const entry of entries) {
    if (entry.type !== 'file' || entry.size >= LONGEST || entry.content === undefined) {
      yield entry;
      continue;
    }
    const content = entry.content instanceof Uint8Array ? entry.content : await gather(entry.content);
    if (Buffer.from(content.subarray(0, HEAD.length)).equals(HEAD)) found(entry.name);
    yield { ...entry, content };
  }
};

/** Bytes (git-lfs, docs/spec.md). */
const LONGEST = 1024;
const HEAD = Buffer.from('version https://git-lfs.github.com/spec/v1\n');

/** What to say of them. */
export const pointersRemark = (names: readonly string[]): string => {
  const shown = names.slice(0, 3).join(', ') + (names.length > 3 ? ', …' : '');
  const count = names.length === 1 ? '1 file is a pointer' : `${names.length} files are pointers`;
  return `${count} of Git LFS, without the content: ${shown}; install git-lfs on this machine, or run \`git lfs install\``;
};
