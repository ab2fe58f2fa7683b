import { execFileSync } from 'node:child_process';
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Artifact } from '#artifact/artifact.ts';
import { makeArtifact } from '#artifact/make-artifact.ts';
import { resolveSource } from '#artifact/resolve-source.ts';
import type { Source } from '#config/written-config.ts';
import type { DeployFact } from '#protocol/events.ts';

export interface Packed {
  readonly artifact: Artifact;
  readonly facts: readonly DeployFact[];
}

export interface PackOptions {
  readonly build?: readonly string[];
  readonly signal?: AbortSignal;
  /** Runs between the look at the source and the packing. */
  readonly meanwhile?: () => unknown;
}

/** Finds and packs a source as a deploy does; relative paths and builds start at `directory`. */
export const pack = async (source: Source, directory: string, options: PackOptions = {}): Promise<Packed> => {
  const { build = [], signal = new AbortController().signal, meanwhile } = options;
  const scratch = await mkdtemp(join(directory, '.scratch-'));
  const localPath = (path: string) => (isAbsolute(path) ? path : join(directory, path));
  const resolved = await resolveSource({ source, build, directory, scratch, localPath, signal });
  await meanwhile?.();
  const facts: DeployFact[] = [];
  const emit = (fact: DeployFact) => void facts.push(fact);
  const now = Date.UTC(2026, 10, 22);
  return { artifact: await makeArtifact({ source: resolved, build, scratch, hosts: 8, now, emit, signal }), facts };
};

/** Unpacks by the tar command and tells what is there: path -> `mode "content"`, `mode/` for directories, `-> target`. */
export const unpacked = async ({ artifact }: Packed): Promise<Record<string, string>> => {
  const into = `${artifact.path}.unpacked`;
  await mkdir(into);
  execFileSync('tar', ['-xpf', artifact.path, '-C', into]);
  return describeTree(into);
};

/** What is below a directory, links not followed. Content above 100 bytes is told by its length. */
export const describeTree = async (root: string, inside = ''): Promise<Record<string, string>> => {
  const tree: Record<string, string> = {};
  for (const base of (await readdir(join(root, inside))).sort()) {
    const name = inside === '' ? base : `${inside}/${base}`;
    const file = await describeFile(join(root, name));
    tree[name] = file;
    if (/^\d+\/$/.test(file)) Object.assign(tree, await describeTree(root, name));
  }
  return tree;
};

const describeFile = async (path: string): Promise<string> => {
  const stat = await lstat(path);
  const mode = (stat.mode & 0o7777).toString(8);
  if (stat.isSymbolicLink()) return `-> ${await readlink(path)}`;
  if (stat.isDirectory()) return `${mode}/`;
  const content = await readFile(path, 'utf8');
  return `${mode} "${content.length > 100 ? `${content.length} bytes` : content}"`;
};
