// `npm run bench`: bundles the benchmarks, because the oldest supported Node runs no TypeScript, and calls them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const scratch = await mkdtemp(join(tmpdir(), 'rookery-bench-'));
try {
  const at = (path) => join(root, 'test/bench', path);
  await build({
    entryPoints: [at('main.ts'), ...['seeder', 'sampler', 'tracker'].map((name) => at(`swarm/${name}.ts`))],
    entryNames: '[name]',
    external: ['*.node', 'bufferutil', 'utf-8-validate'], // native parts that are not needed
    outdir: scratch,
    outExtension: { '.js': '.mjs' },
    ...{ bundle: true, platform: 'node', format: 'esm', target: 'node20.19', logLevel: 'warning' },
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  });
  const { main } = await import(pathToFileURL(join(scratch, 'main.mjs')).href);
  process.exitCode = await main(process.argv.slice(2), root, scratch);
} finally {
  await rm(scratch, { recursive: true, force: true });
}
