// `node test/sim/run.mjs`: bundles main.ts, because the oldest supported Node runs no TypeScript, and calls it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const scratch = await mkdtemp(join(tmpdir(), 'rookery-sim-'));
try {
  const outfile = join(scratch, 'main.mjs');
  const options = { bundle: true, platform: 'node', format: 'esm', packages: 'external', logLevel: 'warning' };
  await build({ entryPoints: [join(here, 'main.ts')], outfile, sourcemap: 'inline', ...options });
  const { main } = await import(pathToFileURL(outfile).href);
  process.exitCode = main(process.argv.slice(2));
} finally {
  await rm(scratch, { recursive: true, force: true });
}
