import { join } from 'node:path';
import { type Gitlink, gitlinksIn, listTree, type Module, readGitmodules, readModuleConfig } from './gitlinks.ts';
import type { Ignore } from './ignore-rules.ts';
import { type Clones, findClones } from './local-clones.ts';
import { obtainSubmodule } from './obtain-submodule.ts';
import { submoduleUrl } from './submodule-url.ts';

/** A commit whose tree is a directory of another one's. */
export interface Submodule {
  /** Where it lies in the release. */
  readonly name: string;
  /** A repository on this machine that has the whole commit. */
  readonly repository: string;
  readonly sha: string;
}

export interface Superproject {
  readonly repository: string;
  readonly sha: string;
  /** The directory that is deployed alone. */
  readonly directory?: string;
  /** What relative URLs start from. */
  readonly origin: () => Promise<string>;
  readonly clones: Clones;
}

export interface SubmoduleRequest {
  readonly scratch: string;
  readonly ignored: Ignore;
  /** Told of each that is left out, and why. */
  readonly leftOut: (name: string, why: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Finds or fetches the submodules of a commit, and theirs, parents first: for each exactly the commit that is recorded.
 * Where URLs come from and which are left alone (`update = none`) is as git-submodule(1) has it.
 * @throws UserError, exit code 2, for one that cannot be had
 */
export const resolveSubmodules = async (
  project: Superproject,
  request: SubmoduleRequest,
  place = '',
): Promise<Submodule[]> => {
  const { signal, leftOut } = request;
  const links = await listSubmodules(project, request, place);
  if (links.length === 0) return [];
  const written = await readGitmodules(project, signal);
  const configs = project.clones.gitDirs.map((dir) => readModuleConfig(join(dir, 'config'), signal));
  const configured = (await Promise.all(configs)).flat();
  const found = await eachOf(links, async ({ name, path, sha }) => {
    const module = moduleAt(path, written, configured);
    if (module?.update === 'none') leftOut(name, "its 'update' is 'none'");
    if (module?.update === 'none') return [];
    const url = module?.url === undefined ? undefined : submoduleUrl(module.url, await project.origin());
    const clones = await findClones(project.clones, module?.name, path);
    const repository = await obtainSubmodule({ name, sha, url, clones, ...request });
    const inner = { repository, sha, clones, origin: async () => url ?? repository };
    return [{ name, repository, sha }, ...(await resolveSubmodules(inner, request, `${name}/`))];
  });
  return found.flat();
};

/** The submodules that belong into the release, with their names there. */
export const listSubmodules = async (
  { directory, ...commit }: Pick<Superproject, 'repository' | 'sha' | 'directory'>,
  { ignored, signal }: Pick<SubmoduleRequest, 'ignored' | 'signal'>,
  place = '',
): Promise<(Gitlink & { readonly name: string })[]> => {
  const strip = directory === undefined ? 0 : directory.length + 1;
  const links = await gitlinksIn(await listTree(commit, directory, signal), commit, signal);
  return links
    .map((link) => ({ ...link, name: `${place}${link.path.slice(strip)}` }))
    .filter(({ name }) => !ignored(name, true));
};

/** What the user has configured wins over what the commit says. */
const moduleAt = (path: string, written: readonly Module[], configured: readonly Module[]): Module | undefined => {
  const module = written.find((one) => one.path === path);
  return module && Object.assign({}, module, ...configured.filter(({ name }) => name === module.name));
};

/** Each, at most four at a time: one server often has them all. Where one fails nothing goes on behind its back. Results are in the order of the list. */
const eachOf = async <T, R>(list: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> => {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < list.length; index = next++) results[index] = await work(list[index]!);
  };
  const stop = (error: unknown) => {
    next = list.length;
    throw error;
  };
  const ended = await Promise.allSettled(Array.from({ length: 4 }, () => worker().catch(stop)));
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
  return results;
};
