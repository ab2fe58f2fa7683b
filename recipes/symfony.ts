import { defineRecipe, type RoleName, type TaskContext, task } from 'rookery';
import { composer } from 'rookery/recipes/composer';
import { hostsWith, inRelease } from 'rookery/recipes/places';

export interface SymfonyOptions {
  /** @default every host that gets releases */
  readonly roles?: readonly RoleName[];
  /** APP_ENV. @default 'prod' */
  readonly env?: string;
  /** Commands of the console in the new release. @default ['cache:clear', 'cache:warmup'] */
  readonly console?: readonly string[];
  /** Runs Doctrine's migrations, on the primary host of this role. @default none does */
  readonly migrate?: RoleName;
  /** @default ['--no-debug', '--no-interaction'] */
  readonly flags?: readonly string[];
}

/** Symfony: a warm cache, migrations. Brings `composer()` along. Capistrano: capistrano-symfony. */
export const symfony = (options: SymfonyOptions = {}) => {
  const { roles, env = 'prod', migrate, flags = ['--no-debug', '--no-interaction'] } = options;
  const where = roles === undefined ? {} : { roles };
  const run = (t: TaskContext, command: string) => (host: (typeof t.hosts)[number]) =>
    inRelease(host, t)
      .with({ APP_ENV: env, SYMFONY_ENV: env })
      .execute(['php', 'bin/console', ...command.split(' '), ...flags]);
  const prepare = async (t: TaskContext) => {
    for (const command of options.console ?? ['cache:clear', 'cache:warmup']) await t.on(t.hosts, run(t, command));
  };
  return defineRecipe({
    name: 'symfony',
    uses: [composer({ ...where, env: { APP_ENV: env, SYMFONY_ENV: env } })],
    tasks: [
      task('symfony:prepare', 'Warm the cache', { release: true, ...where, run: prepare }),
      task('symfony:migrate', 'Migrate the database', {
        release: true,
        run: (t) => {
          const hosts = hostsWith(t, [migrate ?? 'db'], 'the database is not migrated');
          return t.on(hosts, { once: true }, run(t, 'doctrine:migrations:migrate --allow-no-migration'));
        },
      }),
    ],
    before: { 'deploy:updated': 'symfony:prepare' },
    after: { 'deploy:updated': migrate === undefined ? [] : 'symfony:migrate' },
  });
};
