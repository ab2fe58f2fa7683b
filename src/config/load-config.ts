import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { withPlace } from '#recipe/thrown-at.ts';
import { UserError } from '#recipe/user-error.ts';
import { configProblems } from './check-config.ts';
import type { Config } from './config.ts';
import { overrideConfig } from './override-config.ts';
import { resolveConfig } from './resolve-config.ts';
import type { WrittenConfig } from './written-config.ts';

export interface ConfigRequest {
  /** Directory from which the search goes upwards. */
  readonly from: string;
  /** A config file named by the user, in place of the search. */
  readonly file?: string;
  /** Directory for what a TypeScript configuration was made into, which saves a third of a second; absent: none is kept. */
  readonly cache?: string;
  readonly stage: string;
  readonly settings: readonly string[];
  readonly ref?: string;
  readonly user: string;
  readonly home: string;
}

/** Finds, loads, checks and resolves deploy.config.*. @throws UserError with every problem at once */
export const loadConfig = async (request: ConfigRequest): Promise<Config> => {
  const { written, file } = await loadWrittenConfig(request);
  refuseProblems(file, configProblems(written));
  const overridden = Object.hasOwn(written.stages, request.stage)
    ? overrideConfig(written, request.stage, request.settings, request.ref)
    : written;
  refuseProblems(`${file} with --set`, configProblems(overridden));
  return resolveConfig(overridden, request.stage, { user: request.user, home: request.home, directory: dirname(file) });
};

/** Finds and loads the file without looking into it. */
export const loadWrittenConfig = async ({
  from,
  file,
  cache,
}: Pick<ConfigRequest, 'from' | 'file' | 'cache'>): Promise<{ written: WrittenConfig; file: string }> => {
  const {
    default: { cosmiconfig },
  } = await import('cosmiconfig');
  const load = (path: string) => loadModule(path, cache);
  const explorer = cosmiconfig('deploy', {
    searchPlaces: [...ENDINGS.map((ending) => `deploy.config.${ending}`), 'package.json'],
    packageProp: 'rookery',
    stopDir: '/',
    ignoreEmptySearchPlaces: false,
    loaders: { '.ts': load, '.mts': load, '.js': load, '.mjs': load, '.cjs': load },
  });
  const found = await (file === undefined ? explorer.search(from) : explorer.load(resolve(from, file))).catch(
    (error: NodeJS.ErrnoException) => {
      if (error instanceof UserError) throw error;
      if (error.code === 'ENOENT') throw new UserError(`${file} does not exist`, 2);
      throw new UserError(`cannot read the configuration: ${error.message}`, 2);
    },
  );
  if (found) return { written: found.config, file: found.filepath };
  throw new UserError(`there is no deploy.config.ts in ${from} or above it; \`deploy init\` writes one`, 2);
};

const ENDINGS = ['ts', 'mts', 'js', 'mjs', 'cjs', 'json', 'yaml', 'yml'];

/**
 * A module loaded through jiti: TypeScript on every Node, with its own imports. `rookery` is this very installation, so
 * that a config works beside a globally installed program, too.
 */
const loadModule = async (path: string, cache: string | undefined): Promise<unknown> => {
  const here = createRequire(import.meta.url);
  const { createJiti } = here('jiti') as typeof import('jiti'); // an import of it reads through all its text for names
  const index = here.resolve('rookery');
  const jiti = createJiti(path, {
    fsCache: cache ?? false, // by path and content; a directory that cannot be written is done without
    interopDefault: true,
    alias: { 'rookery/recipes': `${dirname(index)}/recipes`, rookery: index },
  });
  try {
    const exported = await jiti.import(path, { default: true });
    if (holdsConfig(exported)) return exported;
  } catch (error) {
    throw new UserError(`${path} cannot be loaded: ${withPlace(error as Error)}`, 2, { cause: error });
  }
  throw new UserError(`${path} exports no configuration: write \`export default defineConfig({ … })\``, 2);
};

/** Without `export default` there is an object, too: that of all exports. */
const holdsConfig = (exported: unknown): boolean =>
  typeof exported === 'object' &&
  exported !== null &&
  ['application', 'source', 'stages'].some((key) => key in exported);

const refuseProblems = (file: string, problems: readonly string[]): void => {
  if (problems.length === 0) return;
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  throw new UserError(`${count} in ${file}:\n${problems.map((problem) => `  ${problem}`).join('\n')}`, 2);
};
