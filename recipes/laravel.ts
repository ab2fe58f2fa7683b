import { defineRecipe, type RoleName, type TaskContext, task } from 'rookery';
import { composer } from 'rookery/recipes/composer';
import { hostsWith, inCurrent, inRelease } from 'rookery/recipes/places';

export interface LaravelOptions {
  /** @default every host that gets releases */
  readonly roles?: readonly RoleName[];
  /** Commands of artisan in the new release. @default ['storage:link', 'config:cache', 'route:cache', 'view:cache'] */
  readonly artisan?: readonly string[];
  /** Migrates, on the primary host of this role. @default none does */
  readonly migrate?: RoleName;
  /** Tells queue workers to restart when the release serves. @default false */
  readonly queue?: boolean;
  /** More arguments for each call of artisan. @default [] */
  readonly flags?: readonly string[];
}

/** Laravel: links, caches, migrations. Brings `composer()` along. Capistrano: capistrano-laravel. */
export const laravel = ({ roles, artisan = CACHES, migrate, queue = false, flags = [] }: LaravelOptions = {}) => {
  const where = { release: true, ...(roles === undefined ? {} : { roles }) };
  const php = (words: readonly string[]) => ['php', 'artisan', ...words, ...flags];
  const prepare = (t: TaskContext) =>
    t.on(t.hosts, async (host) => {
      for (const command of artisan) await inRelease(host, t).execute(php(command.split(' ')));
    });
  return defineRecipe({
    name: 'laravel',
    uses: [composer(roles === undefined ? {} : { roles })],
    tasks: [
      task('laravel:prepare', 'Link and cache', { ...where, run: prepare }),
      task('laravel:migrate', 'Migrate the database', {
        release: true,
        run: (t) =>
          t.on(hostsWith(t, [migrate ?? 'db'], 'the database is not migrated'), { once: true }, (host) =>
            inRelease(host, t).execute(php(['migrate', '--force'])),
          ),
      }),
      task('laravel:queue', 'Restart queue workers', {
        ...where,
        run: ({ on, hosts }) => on(queue ? hosts : [], (host) => inCurrent(host).execute(php(['queue:restart']))),
      }),
    ],
    before: { 'deploy:updated': 'laravel:prepare' },
    after: { 'deploy:updated': migrate === undefined ? [] : 'laravel:migrate', 'deploy:restart': 'laravel:queue' },
  });
};

const CACHES = ['storage:link', 'config:cache', 'route:cache', 'view:cache'];
