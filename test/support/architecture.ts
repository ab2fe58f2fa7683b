/** The rules of the code's structure, as a pure function from sources to complaints. ARCHITECTURE.md says why they are so. */
import { posix } from 'node:path';
import { transformSync } from 'esbuild';

export interface SourceFile {
  /** From the root of the repository, with `/`: `src/ssh/connect.ts`. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  readonly from: string;
  /** `import type`, `export type … from`: gone when the program runs. */
  readonly typesOnly: boolean;
}

/** In the order in which a deploy passes through them. */
const STAGES = [
  'recipe',
  'config',
  'sandbox',
  'inventory',
  'plan',
  'ssh',
  'artifact',
  'runtime',
  'swarm',
  'release',
  'run',
  'report',
];
/** From the bottom up. */
const GROUND = ['protocol', 'torrent', 'peer'];
/** What the user types, and what joins the stages: these know everything, and no stage knows them. */
const JOINERS = ['', 'command'];
/** The stage whose values all others may use: it is the vocabulary. */
const VOCABULARY = 'recipe';
const PACKAGES: Readonly<Record<string, RegExp>> = {
  ssh2: /^src\/(ssh|sandbox)\//,
  listr2: /^src\/report\//,
  'bittorrent-tracker': /^src\/swarm\//,
  bencode: /^src\/protocol\/bencode\.ts$/,
  execa: /^src\/(artifact|ssh\/openssh)\//,
};
const MAY_USE_PROCESS = ['src/cli.ts', 'src/peer/main.ts'];
const MAX_LINES = 250;
const MAX_MEDIAN_LINES = 80;

/** One sentence for each violation: the file, what it does, and the rule. */
export const complaints = (files: readonly SourceFile[]): string[] => [
  ...files.flatMap((file) => [...importComplaints(file), ...processComplaints(file), ...sizeComplaints(file)]),
  ...medianComplaints(files),
];

/** What a file imports: statically, for types, for re-export, and dynamically. */
export const importsOf = ({ text }: SourceFile): Import[] => {
  const code = withoutComments(text);
  const statements = code.matchAll(
    /(?:^|;)\s*(?:import|export)(?<type>\s+type\b(?!\s*(?:,|from)))?[^;'"]*?\bfrom\s*(['"])(?<from>[^'"]+)\2/gm,
  );
  const bare = code.matchAll(/(?:^|;)\s*import\s*(['"])(?<from>[^'"]+)\1/gm);
  const dynamic = code.matchAll(/\bimport\(\s*(['"`])(?<from>[^'"`]+)\1/g);
  return [
    ...[...statements].map(({ groups }) => ({ from: groups!.from!, typesOnly: groups!.type !== undefined })),
    ...[...bare, ...dynamic].map(({ groups }) => ({ from: groups!.from!, typesOnly: false })),
  ];
};

const importComplaints = (file: SourceFile): string[] =>
  importsOf(file).flatMap((imported) => {
    const rule = file.path.startsWith('recipes/') ? refuseForRecipe(imported) : refuseForSource(file.path, imported);
    return rule === undefined
      ? []
      : [`${file.path} imports ${imported.typesOnly ? 'types of ' : ''}${imported.from}: ${rule}`];
  });

const refuseForRecipe = ({ from }: Import): string | undefined =>
  from === 'rookery' || /^rookery\/recipes\/[\w-]+$/.test(from)
    ? undefined
    : "a recipe imports 'rookery' and other recipes by their public names alone, as its users do";

const refuseForSource = (path: string, imported: Import): string | undefined => {
  const { from } = imported;
  const folder = folderOf(path);
  if (from.startsWith('.')) return refuseRelative(path, from);
  if (from.startsWith('#')) return refuseInternal(folder, imported);
  if (from.startsWith('node:')) return refuseNode(path, folder, from);
  if (/^rookery\/recipes\/[\w-]+$/.test(from) && folder === '') return undefined;
  if (/^rookery(\/|$)/.test(from))
    return 'the public name is for users and recipes; only files at the root of src/ load recipes by it';
  return refusePackage(path, folder, from);
};

const refuseRelative = (path: string, from: string): string | undefined => {
  const target = posix.join(posix.dirname(path), from);
  if (/^recipes\//.test(target)) return 'src/ knows recipes by their public name only';
  if (posix.dirname(target) !== posix.dirname(path)) return 'across folders an import is written #folder/file.ts';
  return from.endsWith('.ts') ? undefined : 'the name of an imported file ends in .ts';
};

const refuseInternal = (folder: string, { from, typesOnly }: Import): string | undefined => {
  const inside = folderOf(`src/${from.slice(1)}`);
  if (!from.endsWith('.ts')) return 'the name of an imported file ends in .ts';
  if (inside === folder) return 'inside of a folder an import is written ./file.ts';
  if (JOINERS.includes(folder)) return undefined;
  if (inside === 'command') return 'what the user types is known at the root alone';
  if (inside === '') return 'the root joins the stages and is imported by none of them';
  const [stage, target] = [stageOf(folder), stageOf(inside)];
  const [own, other] = [rank(stage), rank(target)];
  if (own === undefined || other === undefined)
    return `${own === undefined ? stage : target}/ is neither a stage nor ground`;
  if (stage === target) return undefined;
  if (GROUND.includes(stage)) return other < own ? undefined : 'ground imports only the ground below it';
  if (GROUND.includes(target) || target === VOCABULARY) return undefined;
  if (other > own) return 'a stage knows nothing of the stages after it';
  return typesOnly ? undefined : 'stages never import the code of other stages, only their types';
};

const refuseNode = (path: string, folder: string, from: string): string | undefined => {
  if (folder === 'protocol' || folder === 'torrent') return `${folder}/ is pure: it does without Node`;
  return from === 'node:process' ? refuseProcess(path) : undefined;
};

const refusePackage = (path: string, folder: string, from: string): string | undefined => {
  const name = from
    .split('/')
    .slice(0, from.startsWith('@') ? 2 : 1)
    .join('/');
  const allowed = PACKAGES[name];
  if (allowed)
    return allowed.test(path) ? undefined : `${name} has its place elsewhere: ${allowed.source.replaceAll('\\', '')}`;
  return GROUND.includes(folder) ? 'the peer goes to hosts as one file without npm packages' : undefined;
};

/** esbuild replaces what is really the global, not a local of that name, nor the word in a text. */
const processComplaints = ({ path, text }: SourceFile): string[] => {
  const { code } = transformSync(text, {
    loader: 'ts',
    define: { process: '__the_global', 'globalThis.process': '__the_global' },
    target: 'esnext',
  });
  const rule = code.includes('__the_global') ? refuseProcess(path) : undefined;
  return rule === undefined ? [] : [`${path} uses process: ${rule}`];
};

const refuseProcess = (path: string): string | undefined =>
  MAY_USE_PROCESS.includes(path)
    ? undefined
    : `only ${MAY_USE_PROCESS.join(' and ')} touch the process; others are told what they need`;

const sizeComplaints = ({ path, text }: SourceFile): string[] =>
  lines(text) <= MAX_LINES ? [] : [`${path} has ${lines(text)} lines: ${MAX_LINES} are the most`];

const medianComplaints = (files: readonly SourceFile[]): string[] => {
  const sizes = files.map(({ text }) => lines(text)).sort((a, b) => a - b);
  const median = sizes[Math.floor(sizes.length / 2)] ?? 0;
  return median <= MAX_MEDIAN_LINES
    ? []
    : [`the median of all files is ${median} lines: ${MAX_MEDIAN_LINES} are the most`];
};

const lines = (text: string): number => text.trimEnd().split('\n').length;

/** `ssh` for src/ssh/connect.ts, nothing for src/cli.ts. */
const folderOf = (path: string): string => path.split('/').slice(1, -1).join('/');

/** A folder inside of a stage belongs to it. */
const stageOf = (folder: string): string => folder.split('/')[0] ?? '';

const rank = (folder: string): number | undefined => {
  const index = [...GROUND, ...STAGES].indexOf(folder);
  return index === -1 ? undefined : index;
};

const withoutComments = (text: string): string =>
  text.replace(
    /(\/\*[\s\S]*?\*\/|\/\/[^\n]*)|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g,
    (all, comment) => (comment === undefined ? all : ''),
  );
