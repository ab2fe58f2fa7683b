import { defineRecipe, type RoleName, releasePaths, task } from 'rookery';

export interface LogsOptions {
  /** Files: absolute, or in `shared/`. @default ['log/<stage>.log'] */
  readonly files?: readonly string[];
  /** Lines of each to begin with. @default 20 */
  readonly lines?: number;
  /** @default every host that gets releases */
  readonly roles?: readonly RoleName[];
}

/** `deploy <stage> logs`: follows log files of all hosts, each line with its host, until Ctrl-C. */
export const logs = ({ files, lines = 20, roles }: LogsOptions = {}) =>
  defineRecipe({
    name: 'logs',
    tasks: [
      task('logs', 'Follow the log files', {
        ...{ locks: false, release: true, ...(roles === undefined ? {} : { roles }) },
        run: ({ on, hosts, settings, answer }) =>
          on(hosts, (host) => {
            const asked = files ?? [`log/${settings.stage}.log`];
            const paths = asked.map((path) =>
              path.startsWith('/') ? path : `${releasePaths(host.deployTo).shared}/${path}`,
            );
            return host.execute(['tail', '-n', `${lines}`, '-f', ...paths], {
              ...{ quiet: true, timeout: DAYS, idleTimeout: DAYS },
              onOutput: (stream, text) => answer(host, { stream, text }),
            });
          }),
      }),
    ],
  });

/** In seconds; Node's timers hold no more than 24 days. */
const DAYS = 20 * 86_400;
