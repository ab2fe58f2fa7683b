import type { Recipe } from '#recipe/recipe.ts';
import type { ArchiveSource, DirSource, GitSource, Sandbox, WrittenConfig } from './written-config.ts';

/** Gives deploy.config.ts its types. Returns what it gets: the program reads plain data. */
export const defineConfig = <const R extends readonly Recipe[] = readonly []>(
  config: WrittenConfig<R>,
): WrittenConfig<R> => config;

/** The tree of one commit of a git repository, as `git archive` gives it. */
export const git = (options: Omit<GitSource, 'kind'> = {}): GitSource => ({ kind: 'git', ...options });

/** A directory as it is on disk, relative to the config file. */
export const dir = (path: string): DirSource => ({ kind: 'dir', path });

/** The content of a tar archive, relative to the config file. */
export const archive = (path: string): ArchiveSource => ({ kind: 'archive', path });

/** Embedded SSH hosts on this machine, for trying things out: `hosts: sandbox(6)`. */
export const sandbox = (count: number, options: Omit<Sandbox, 'kind' | 'count'> = {}): Sandbox => ({
  kind: 'sandbox',
  count,
  ...options,
});
