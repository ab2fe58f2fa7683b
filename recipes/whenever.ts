import { defineRecipe, type RoleName, releasePaths, type TaskContext, task } from 'rookery';
import { hostsWith, inCurrent } from 'rookery/recipes/places';

export interface WheneverOptions {
  /** @default ['db'] */
  readonly roles?: readonly RoleName[];
  /** Marks the entries in the crontab. @default the application */
  readonly identifier?: string;
  /** RAILS_ENV, and `environment` in the schedule. @default the stage */
  readonly env?: string;
  /** @default 'config/schedule.rb' */
  readonly file?: string;
  /** @default ['bundle', 'exec', 'whenever'] */
  readonly command?: readonly string[];
}

/**
 * Writes the crontab by whenever, for the release that serves: again when a release is switched back. Jobs run in
 * `current`, not in a release that is removed some day. Capistrano: whenever's own recipe.
 */
export const whenever = (options: WheneverOptions = {}) => {
  const { roles = ['db'], identifier, env, file = 'config/schedule.rb', command = WHENEVER } = options;
  const write = (flag: string) => (t: TaskContext) =>
    t.on(hostsWith(t, roles, 'no crontab is written'), (host) => {
      const environment = env ?? t.settings.stage;
      const variables = `environment=${environment}&path=${releasePaths(host.deployTo).current}`;
      const words = [flag, identifier ?? t.settings.application, '--set', variables, '--load-file', file];
      const asked = [...command, ...words, `--roles=${host.roles.join(',')}`];
      return inCurrent(host).with({ RAILS_ENV: environment }).execute(asked);
    });
  return defineRecipe({
    name: 'whenever',
    tasks: [
      task('whenever:update_crontab', 'Write the crontab', { release: true, run: write('--update-crontab') }),
      task('whenever:clear_crontab', 'Clear the crontab', { release: true, run: write('--clear-crontab') }),
    ],
    after: { 'deploy:restart': 'whenever:update_crontab' },
  });
};

const WHENEVER = ['bundle', 'exec', 'whenever'];
