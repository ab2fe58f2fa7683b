import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';

/** The peer as one file in `dir`, built as build.mjs does it, and what went into it. */
export const buildPeerBundle = async (dir: string): Promise<{ readonly path: string; readonly metafile: Metafile }> => {
  const path = join(dir, 'peer.cjs');
  const { metafile } = await build({
    entryPoints: ['src/peer/main.ts'],
    outfile: path,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node18',
    minify: true,
    metafile: true,
    logLevel: 'warning',
  });
  return { path, metafile };
};
