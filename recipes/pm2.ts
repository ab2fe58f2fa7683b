import { inCurrent } from 'rookery/recipes/places';
import type { HostWork, RollingOptions } from 'rookery/recipes/rolling';
import { service } from 'rookery/recipes/service';

export interface Pm2Options extends RollingOptions {
  /** In `current`. @default 'ecosystem.config.js' */
  readonly config?: string;
  /** The `env_<name>` of the ecosystem file. @default the stage */
  readonly env?: string;
  /** Saves the list of processes, which `pm2 resurrect` starts after a reboot. @default false */
  readonly save?: boolean;
}

/** Reloads the processes of an ecosystem file, and starts those that do not run, on hosts of the role `app`. */
export const pm2 = ({ config = 'ecosystem.config.js', env, save = false, ...options }: Pm2Options = {}) => {
  const verb =
    (word: string): HostWork =>
    async (host, { settings }) => {
      const here = inCurrent(host);
      await here.execute(['pm2', word, config, '--update-env', '--env', env ?? settings.stage]);
      if (save) await here.execute(['pm2', 'save']);
    };
  return service({
    name: 'pm2',
    verbs: {
      reload: verb('startOrReload'),
      restart: verb('startOrRestart'),
      stop: (host) => inCurrent(host).execute(['pm2', 'stop', config]),
      status: (host) => host.execute(['pm2', 'list']),
    },
    options: { roles: ['app'], ...options },
  });
};
