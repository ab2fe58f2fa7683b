import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type Command, sh } from '#protocol/shell.ts';
import type { Target } from './strategy.ts';

export interface PeerBundle {
  readonly content: Uint8Array;
  /** Its name in a host's cache: the hash of the content, so that it is sent once a version. */
  readonly name: string;
}

/** Reads the peer program that this installation carries. */
export const readPeerBundle = async (): Promise<PeerBundle> => {
  const content = await readFile(createRequire(import.meta.url).resolve('rookery/peer'));
  return { content, name: `${createHash('sha256').update(content).digest('hex').slice(0, 32)}.cjs` };
};

/** Puts the bundle into a host's cache in place of older ones. */
export const uploadBundle = async ({ remote, cache }: Target, { content, name }: PeerBundle): Promise<void> => {
  await remote.run(clearCache(cache), { label: `clear ${cache}` });
  await remote.write(`${cache}/${name}`, content);
};

const clearCache = (cache: string): Command => sh`mkdir -p ${cache} && rm -f ${cache}/*.cjs ${cache}/*.part`;
