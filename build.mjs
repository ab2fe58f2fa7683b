// Builds dist/: the program, the public API, the recipes and the peer bundle; with --types the declarations too.
import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { build } from 'esbuild';

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const recipes = readdirSync('recipes').filter((name) => name.endsWith('.ts'));

if (process.argv.includes('--types')) rmSync('dist', { recursive: true, force: true }); // no chunk of an earlier build in the package
await Promise.all([buildDeployer(), buildPeer()]);
chmodSync('dist/cli.js', 0o755);
if (process.argv.includes('--types')) buildTypes();

/** The deployer's side: ESM, split so that `deploy --help` loads little. bittorrent-tracker's server is bundled in:
 * its package drags a native build into every installation, which users must not get. */
function buildDeployer() {
  return build({
    entryPoints: {
      cli: 'src/cli.ts',
      index: 'src/index.ts',
      ...Object.fromEntries(recipes.map((name) => [`recipes/${basename(name, '.ts')}`, `recipes/${name}`])),
    },
    outdir: 'dist',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    chunkNames: 'chunks/[name]-[hash]',
    external: ['rookery', 'rookery/*', 'bufferutil', 'utf-8-validate', ...Object.keys(dependencies)],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
}

/** The program that runs on every host: one file, nothing to install. */
function buildPeer() {
  return build({
    entryPoints: ['src/peer/main.ts'],
    outfile: 'dist/peer.cjs',
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node18',
    minify: true,
    logLevel: 'warning',
  });
}

/** Declarations by tsc; `#stage/file.ts` becomes a relative path, because `imports` of package.json points into src. */
function buildTypes() {
  execFileSync('node_modules/.bin/tsc', [
    ...['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--outDir', 'dist/types'],
    ...[
      '--allowImportingTsExtensions',
      'false',
      '--rewriteRelativeImportExtensions',
      '--project',
      'tsconfig.build.json',
    ],
  ]);
  for (const entry of readdirSync('dist/types', { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const text = readFileSync(file, 'utf8').replace(/(['"])#([^'"]+)\.ts\1/g, (_, quote, path) => {
      const target = relative(dirname(file), join('dist/types/src', path));
      return `${quote}${target.startsWith('.') ? target : `./${target}`}.js${quote}`;
    });
    writeFileSync(file, text);
  }
}
