import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Metafile } from 'esbuild';

/** The peer as one file in `dir`, made by the build that makes the shipped one, and what went into it. */
export const buildPeerBundle = async (dir: string): Promise<{ readonly path: string; readonly metafile: Metafile }> => {
  const path = join(dir, 'peer.cjs');
  const build: { buildPeer(outfile: string): Promise<Metafile> } = await import(pathToFileURL('build.mjs').href);
  return { path, metafile: await build.buildPeer(path) };
};
