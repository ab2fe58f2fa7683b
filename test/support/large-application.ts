import type { Content } from './content.ts';

/**
 * An application of so many files and bytes, the same each time: source code, assets and vendored packages, programs,
 * links, deep directories, and names that need care.
 */
export const makeLargeApplication = ({ files, bytes }: { files: number; bytes: number }): Content => {
  const app: Record<string, Content[string]> = {};
  const paths = [...AWKWARD, ...Array.from({ length: files - AWKWARD.length }, (_, index) => pathOf(index))];
  for (const [index, path] of paths.entries()) {
    const text = noise(index, sizeOf(index, files, bytes));
    app[path] = index % 10 === 3 ? { text, mode: 0o755 } : text;
  }
  return { ...app, ...LINKS };
};

const AWKWARD = [
  'app/größer/日本.txt',
  'app/with space/and $dollar `tick` "quote" \'single\'.txt',
  'app/-begins-with-a-dash',
  'app/star*and?mark.txt',
  'app/back\\slash.txt',
  'app/new\nline.txt',
  `app/${'long-directory-name/'.repeat(6)}${'long-file-name-'.repeat(12)}.txt`,
  'app/emoji-🚀.txt',
  'app/empty.txt',
];

const LINKS: Content = {
  'app/latest': { link: 'part1/unit1' },
  'app/absolute': { link: '/etc/hostname' },
  'app/dangling': { link: '../../nowhere/ünicode' },
};

const pathOf = (index: number): string => {
  const top = ['app', 'lib', 'public/assets', 'vendor/modules'][index % 4];
  return `${top}/part${index % 23}/unit${index % 7}/file${index}.${['js', 'css', 'png'][index % 3]}`;
};

/** Few files are large: every 50th has half of the bytes between them. One is empty. */
const sizeOf = (index: number, files: number, bytes: number): number => {
  if (AWKWARD[index]?.includes('empty')) return 0;
  return index % 50 === 0 ? Math.floor(bytes / 2 / (files / 50)) : Math.floor(bytes / 2 / files);
};

/** Bytes that hold no pattern, from a linear congruential generator. */
const noise = (seed: number, length: number): Buffer => {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = seed + 1;
  for (let at = 0; at < words.length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[at] = state ^ (state >>> 15);
  }
  return Buffer.from(words.buffer, 0, length);
};
