import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { complaints, importsOf, type SourceFile } from './support/architecture.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const files: SourceFile[] = ['src', 'recipes'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => ({ path: `${folder}/${name}`, text: readFileSync(join(root, folder, name), 'utf8') })),
);

test('the code keeps to its structure', () => {
  expect(files.length).toBeGreaterThan(100);
  expect(files.flatMap(importsOf).length).toBeGreaterThan(2 * files.length);
  expect(complaints(files)).toEqual([]);
});

describe('what the rules allow', () => {
  test.each([
    [
      'src/deploy.ts',
      "import { runPlan } from '#run/run-plan.ts';\nimport { a } from './endings.ts';\nawait import('rookery/recipes/deploy');",
    ],
    ['src/cli.ts', 'process.exitCode = 1;'],
    [
      'src/command/a.ts',
      "import { deploy } from '#deploy.ts';\nimport { makePlan } from '#plan/make-plan.ts';\nimport './b.ts';",
    ],
    [
      'src/peer/main.ts',
      "import { a } from '#torrent/swarm.ts';\nimport { b } from '#protocol/message.ts';\nprocess.exit(1);",
    ],
    ['src/protocol/bencode.ts', "import bencode from 'bencode';"],
    [
      'src/swarm/tracker.ts',
      "import type { Remote } from '#recipe/remote.ts';\nimport { startPeer } from '#peer/start-peer.ts';\nawait import('bittorrent-tracker');",
    ],
    [
      'src/run/run-plan.ts',
      "import type { Plan } from '#plan/make-plan.ts';\nimport { UserError } from '#recipe/user-error.ts';\nimport './x.ts';",
    ],
    ['src/artifact/git.ts', "import { readFile } from 'node:fs/promises';\nconst { execa } = await import('execa');"],
    [
      'src/ssh/connect.ts',
      "import ssh2 from 'ssh2';\nconst process = 1;\nexport const text = 'the process' + process;\n// process.exit",
    ],
    [
      'src/ssh/openssh/a.ts',
      "import { a } from '#ssh/link.ts';\nimport './b.ts';\nimport { quote } from '#protocol/shell.ts';\nawait import('execa');",
    ],
    ['src/ssh/a.ts', "await import('#ssh/openssh/a.ts');"],
    ['recipes/deploy.ts', "import { task } from 'rookery';\nimport { roll } from 'rookery/recipes/rolling';"],
  ])('%s', (path, text) => {
    expect(complaints([{ path, text }])).toEqual([]);
  });
});

describe('what the rules refuse, and the reason given', () => {
  test.each([
    [
      'src/run/a.ts',
      "import { makePlan } from '#plan/make-plan.ts';",
      /stages never import the code of other stages, only their types/,
    ],
    ['src/run/a.ts', "import { type Plan, makePlan } from '#plan/make-plan.ts';", /never import the code/],
    ['src/run/a.ts', "export { makePlan } from '#plan/make-plan.ts';", /never import the code/],
    ['src/run/a.ts', "export * from '#plan/make-plan.ts';", /never import the code/],
    ['src/run/a.ts', "const { makePlan } = await import('#plan/make-plan.ts');", /never import the code/],
    ['src/run/a.ts', "import {\n  makePlan,\n  type Plan,\n} from '#plan/make-plan.ts';", /never import the code/],
    ['src/run/a.ts', "import '#plan/make-plan.ts';", /never import the code/],
    [
      'src/plan/a.ts',
      "import type { Outcome } from '#run/outcome.ts';",
      /imports types of #run\/outcome\.ts: a stage knows nothing of the stages after it/,
    ],
    ['src/plan/a.ts', "export type { Outcome } from '#run/outcome.ts';", /nothing of the stages after it/],
    ['src/plan/a.ts', "import { run } from '#run/run-plan.ts';", /nothing of the stages after it/],
    ['src/protocol/a.ts', "import { a } from '#torrent/swarm.ts';", /ground imports only the ground below it/],
    ['src/torrent/a.ts', "import type { a } from '#peer/a.ts';", /only the ground below/],
    ['src/peer/a.ts', "import type { Host } from '#inventory/host.ts';", /only the ground below/],
    ['src/peer/a.ts', "import { UserError } from '#recipe/user-error.ts';", /only the ground below/],
    ['src/release/a.ts', "import { deploy } from '#deploy.ts';", /the root joins the stages and is imported by none/],
    ['src/release/a.ts', "import { deploy } from '../deploy.ts';", /written #folder\/file\.ts/],
    ['src/release/a.ts', "import { a } from '../ssh/a.ts';", /written #folder\/file\.ts/],
    ['src/release/a.ts', "import { a } from '#release/b.ts';", /written \.\/file\.ts/],
    ['src/ssh/openssh/a.ts', "import { a } from '#ssh/openssh/b.ts';", /written \.\/file\.ts/],
    ['src/ssh/openssh/a.ts', "import { a } from '../b.ts';", /written #folder\/file\.ts/],
    ['src/run/a.ts', "import { a } from '#ssh/openssh/b.ts';", /never import the code/],
    ['src/release/a.ts', "import { a } from './b';", /ends in \.ts/],
    ['src/release/a.ts', "import type { a } from '#recipe/b';", /ends in \.ts/],
    ['src/release/a.ts', "import { a } from '#utils/a.ts';", /utils\/ is neither a stage nor ground/],
    [
      'src/report/a.ts',
      "import type { Words } from '#command/arguments.ts';",
      /what the user types is known at the root alone/,
    ],
    ['src/command/a.ts', "import { b } from '#command/b.ts';", /written \.\/file\.ts/],
    ['src/utils/a.ts', "import { a } from '#protocol/a.ts';", /utils\/ is neither a stage nor ground/],
    ['src/run/a.ts', "import { Client } from 'ssh2';", /ssh2 has its place elsewhere: .*ssh\|sandbox/],
    ['src/swarm/a.ts', "import type { Client } from 'ssh2';", /ssh2 has its place/],
    ['src/deploy.ts', "await import('listr2');", /listr2 has its place/],
    ['src/peer/a.ts', "import Server from 'bittorrent-tracker/server';", /bittorrent-tracker has its place/],
    ['src/protocol/a.ts', "import bencode from 'bencode';", /bencode has its place/],
    ['src/ssh/a.ts', "import { execa } from 'execa';", /execa has its place/],
    ['src/peer/a.ts', "import pino from 'pino';", /without npm packages/],
    ['src/protocol/a.ts', "import { Buffer } from 'node:buffer';", /protocol\/ is pure/],
    ['src/torrent/a.ts', "import type { Socket } from 'node:net';", /torrent\/ is pure/],
    ['src/run/a.ts', 'export const a = process.env.HOME;', /uses process: only src\/cli\.ts and src\/peer\/main\.ts/],
    ['src/run/a.ts', `export const a = \`\${process.pid}\`;`, /uses process/],
    ['src/run/a.ts', 'export const a = globalThis.process.pid;', /uses process/],
    ['src/run/a.ts', 'const { env } = process; export { env };', /uses process/],
    ['src/run/a.ts', "import { env } from 'node:process';", /only src\/cli\.ts/],
    ['src/run/a.ts', "import { task } from 'rookery';", /the public name is for users and recipes/],
    ['src/run/a.ts', "import deploy from 'rookery/recipes/deploy';", /only files at the root of src\/ load recipes/],
    ['src/deploy.ts', "import deploy from '../recipes/deploy.ts';", /recipes by their public name only/],
    ['recipes/a.ts', "import { sh } from '#protocol/shell.ts';", /a recipe imports 'rookery' and other recipes/],
    ['recipes/a.ts', "import { sh } from '../src/protocol/shell.ts';", /public names alone/],
    ['recipes/a.ts', "import { b } from './b.ts';", /public names alone/],
    ['recipes/a.ts', "import { readFile } from 'node:fs';", /public names alone/],
  ])('%s: %s', (path, text, reason) => {
    const good = { path: 'src/run/good.ts', text: "import type { Plan } from '#plan/make-plan.ts';" };
    expect(complaints([good, { path, text }, good])).toEqual([expect.stringMatching(reason)]);
    expect(complaints([good, { path, text }, good])[0]).toContain(path);
  });

  test('a file that is too long', () => {
    const files = [251, 1, 1].map((count, index) => ({ path: `src/run/${index}.ts`, text: ';\n'.repeat(count) }));
    expect(complaints(files)).toEqual(['src/run/0.ts has 251 lines: 250 are the most']);
  });

  test('files that are long on the whole', () => {
    const long = Array.from({ length: 3 }, (_, index) => ({ path: `src/run/${index}.ts`, text: ';\n'.repeat(81) }));
    expect(complaints(long)).toEqual(['the median of all files is 81 lines: 80 are the most']);
  });
});

test('imports in comments and texts are none, and every real one is found', () => {
  const text = `import type A from 'a';
import b, { type B } from "b";
import * as c from 'c'; import d from 'd';
import type from 'e';
export type { F } from 'f';
/** import x from 'no'; */
// import y from 'no';
const glob = '**/*.ts'; import('g');
const url = 'http://example.com'; // import('no')
const from = 'no';
import 'h';`;
  expect(
    importsOf({ path: 'x', text })
      .map(({ from, typesOnly }) => `${from}${typesOnly ? ' (type)' : ''}`)
      .sort(),
  ).toEqual(['a (type)', 'b', 'c', 'd', 'e', 'f (type)', 'g', 'h']);
});
