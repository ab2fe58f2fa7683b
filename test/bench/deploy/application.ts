/** The application that is deployed: the same files, byte for byte, in every run of the benchmark. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { hashTree } from './tree-hash.ts';

export interface Application {
  /** The bare repository that all tools deploy from. */
  readonly bare: string;
  readonly facts: { readonly files: number; readonly bytes: number; readonly changedFiles: number };
  describe(): string;
  /** Commits new content for a few files. */
  change(): Promise<void>;
  /** What must be on every host now. */
  expected(): Promise<{ readonly revision: string; readonly tree: string }>;
}

export interface Size {
  readonly files: number;
  readonly bytes: number;
}

const CHANGED = 5;

/** Makes one of about that size in `dir`, with a bare repository beside it. */
export const makeApplication = async (dir: string, size: Size): Promise<Application> => {
  const bare = `${dir}.git`;
  const random = randomFrom(20_261_122);
  const files = layOut(size, random);
  for (const file of files) await writeNew(join(dir, file.path), contentOf(file, random));
  const git = gitIn(dir);
  await promisify(execFile)('git', ['init', '--quiet', '--bare', '--initial-branch=main', bare]);
  await git('init', '--quiet', '--initial-branch=main');
  await git('remote', 'add', 'origin', bare);

  let commits = 0;
  const commit = async () => {
    commits += 1;
    await git('add', '--all');
    await git('commit', '--quiet', '--message', `Version ${commits}`);
    await git('push', '--quiet', 'origin', 'main');
  };
  await commit();
  return {
    bare,
    facts: { files: size.files, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), changedFiles: CHANGED },
    describe: () =>
      `an application of ${(size.bytes / 1e6).toFixed(1)} MB in ${size.files} files, ${CHANGED} of them new in a redeploy`,
    change: async () => {
      for (let n = 0; n < CHANGED; n++) {
        const file = files[(commits * 397 + n * 401) % size.files]!;
        await writeFile(join(dir, file.path), contentOf(file, random));
      }
      await commit();
    },
    expected: async () => ({ revision: (await git('rev-parse', 'HEAD')).trim(), tree: await hashTree(dir) }),
  };
};

interface File {
  readonly path: string;
  readonly bytes: number;
  readonly text: boolean;
}

/** Many small files and few large ones, up to four directories deep: source code, assets and vendored packages. */
const layOut = (size: Size, random: () => number): File[] => {
  const weights = Array.from({ length: size.files }, () => Math.exp(1.6 * gaussian(random)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight, index) => {
    const bytes = Math.max(16, Math.round((weight / total) * size.bytes));
    const text = random() < 0.8;
    const kind = text ? TEXT_ENDINGS[index % TEXT_ENDINGS.length] : BINARY_ENDINGS[index % BINARY_ENDINGS.length];
    return {
      path: `${TOPS[index % TOPS.length]}/part${index % 23}/unit${index % 7}/file${index}.${kind}`,
      bytes,
      text,
    };
  });
};

const TOPS = ['app', 'lib', 'public/assets', 'vendor', 'config/locales', 'vendor/modules'];
const TEXT_ENDINGS = ['js', 'css', 'html', 'json', 'md'];
const BINARY_ENDINGS = ['png', 'woff2', 'jpg'];

/** Words for text files, which compress as text does; noise for images and fonts, which do not. */
const contentOf = ({ bytes, text }: File, random: () => number): Buffer => {
  const content = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; ) {
    if (!text) content[at++] = random() * 256;
    else at += content.write(`${WORDS[Math.floor(random() ** 2 * WORDS.length)]}${random() < 0.1 ? '\n' : ' '}`, at);
  }
  return content;
};

const WORDS = Array.from({ length: 2000 }, (_, index) => (index * 7919 + 13).toString(36));

const writeNew = async (path: string, content: Buffer): Promise<void> => {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
};

/** git without the user's own configuration, and with a date that makes the same commits every time. */
const gitIn =
  (dir: string) =>
  async (...args: string[]): Promise<string> => {
    const who = ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost'];
    const date = '2026-11-22T09:30:00Z';
    const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
    return (await promisify(execFile)('git', ['-C', dir, ...who, ...args], { env })).stdout;
  };

/** Mulberry32: numbers in [0, 1) that are the same for the same seed. */
const randomFrom = (seed: number) => {
  let state = seed;
  return (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** Box-Muller. */
const gaussian = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
