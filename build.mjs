// Builds dist/: the program, the public API, the recipes and the peer bundle; with --types the declarations too.
import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const recipes = readdirSync('recipes').filter((name) => name.endsWith('.ts'));

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await buildAll(process.argv.includes('--types'));

async function buildAll(withTypes) {
  if (withTypes) rmSync('dist', { recursive: true, force: true }); // no chunk of an earlier build in the package
  const built = await Promise.all([buildDeployer(), buildPeer()]);
  writeLicences(built.flatMap(({ inputs }) => Object.keys(inputs)));
  chmodSync('dist/cli.js', 0o755);
  if (withTypes) buildTypes();
}

/**
 * The deployer's side: ESM, split so that `deploy --help` loads little. Packages are bundled in, with their licences: hundreds
 * of small files took a third of the time of a small deploy to load, and some would bring install scripts and native builds
 * to every user.
 */
async function buildDeployer() {
  const { metafile } = await build({
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
    external: [
      'rookery',
      'rookery/*',
      '*.node',
      'cpu-features',
      'bufferutil',
      'utf-8-validate',
      ...Object.keys(dependencies),
    ],
    alias: { 'string-width': './src/command/help-width.ts' },
    define: { __dirname: '__bundleDirname' }, // yargs has one of its own
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: 160, // Node shows the line of an error that nobody caught
    metafile: true,
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url); const __bundleDirname = import.meta.dirname;",
    },
    logLevel: 'warning',
  });
  return metafile;
}

/** What the licences of bundled packages ask for: their text goes where their code goes. */
function writeLicences(inputs) {
  const packages = new Set(
    inputs.map((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]).filter(Boolean),
  );
  const texts = [...packages].sort().map((name) => {
    const directory = join('node_modules', name);
    const file = readdirSync(directory).find((entry) => /^licen[cs]e/i.test(entry));
    const { version, license } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    return `${name} ${version}\n\n${file ? readFileSync(join(directory, file), 'utf8').trim() : `Licence: ${license}`}\n`;
  });
  writeFileSync('dist/THIRD-PARTY-LICENCES', texts.join(`\n${'-'.repeat(80)}\n\n`));
}

/** The program that runs on every host: one file, nothing to install. */
export async function buildPeer(outfile = 'dist/peer.cjs') {
  const { metafile } = await build({
    entryPoints: ['src/peer/main.ts'],
    outfile,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node18',
    minify: true,
    metafile: true,
    logLevel: 'warning',
  });
  return metafile;
}

/** Declarations of the public API by tsc. Imports are made relative and end in `.js`: `#stage/file.ts` points into src. */
function buildTypes() {
  const options = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--outDir', 'dist/types'];
  execFileSync('node_modules/.bin/tsc', [...options, '--project', 'tsconfig.build.json'], { stdio: 'inherit' });
  for (const entry of readdirSync('dist/types', { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const text = readFileSync(file, 'utf8').replace(/(?<=['"])(#|\.\.?\/)([^'"]+)\.ts(?=['"])/g, (_, start, path) => {
      if (start !== '#') return `${start}${path}.js`;
      const target = relative(dirname(file), join('dist/types/src', path));
      return `${target.startsWith('.') ? target : `./${target}`}.js`;
    });
    writeFileSync(file, text);
  }
}
