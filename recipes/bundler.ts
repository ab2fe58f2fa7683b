import { defineRecipe, type RoleName, releasePaths, type TaskContext, task } from 'rookery';
import { inRelease } from 'rookery/recipes/places';

export interface BundlerOptions {
  /** Hosts to install on. @default every host that gets releases */
  readonly roles?: readonly RoleName[];
  /** @default '<deployTo>/shared/bundle' */
  readonly path?: string;
  /** Groups of gems to leave out. @default ['development', 'test'] */
  readonly without?: readonly string[];
  /** More of `bundle config --local`. @default { deployment: 'true' } */
  readonly config?: Readonly<Record<string, string>>;
  /** @default 4 */
  readonly jobs?: number;
  /** @default ['--quiet'] */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Programs that run by `bundle exec`. @default ['gem', 'rake', 'rails'] */
  readonly programs?: readonly string[];
}

/**
 * Gems in the shared directory, installed where `bundle check` misses some; `rake` and `rails` run by `bundle exec`. It
 * comes after rbenv and rvm in the list of recipes. Capistrano: capistrano-bundler.
 */
export const bundler = ({
  roles,
  path,
  without = ['development', 'test'],
  config = { deployment: 'true' },
  jobs = 4,
  flags = ['--quiet'],
  env = {},
  programs = ['gem', 'rake', 'rails'],
}: BundlerOptions = {}) => {
  const run = (t: TaskContext) =>
    t.on(t.hosts, async (remote) => {
      const host = inRelease(remote, t).with(env);
      const gems = path ?? `${releasePaths(remote.deployTo).shared}/bundle`;
      for (const [key, value] of Object.entries({ ...config, path: gems, without: without.join(':') }))
        await host.execute(['bundle', 'config', '--local', key, value]);
      if (await host.test(['bundle', 'check'])) return;
      await host.execute(['bundle', 'install', '--jobs', `${jobs}`, ...flags]);
    });
  const where = { release: true, ...(roles === undefined ? {} : { roles }) };
  return defineRecipe({
    name: 'bundler',
    tasks: [task('bundler:install', 'Install gems with Bundler', { ...where, run })],
    prefix: Object.fromEntries(programs.map((program) => [program, ['bundle', 'exec']])),
    after: { 'deploy:symlink:shared': 'bundler:install' },
    before: { 'deploy:reverted': 'bundler:install' },
  });
};
