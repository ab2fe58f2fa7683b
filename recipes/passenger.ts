import { sh } from 'rookery';
import { inCurrent } from 'rookery/recipes/places';
import type { RollingOptions } from 'rookery/recipes/rolling';
import { service } from 'rookery/recipes/service';

export interface PassengerOptions extends RollingOptions {
  /** @default 'sequence'; 'groups' where a limit is given */
  readonly in?: NonNullable<RollingOptions['in']>;
  /** Seconds between two hosts. @default 5 */
  readonly wait?: number;
  /** Touches tmp/restart.txt in place of the command, as Passenger before 4.0.33 needs it. @default false */
  readonly touch?: boolean;
  /** @default ['passenger-config', 'restart-app'] */
  readonly command?: readonly string[];
  /** @default ['<deployTo>', '--ignore-app-not-running'] */
  readonly flags?: readonly string[];
  /** @default false */
  readonly sudo?: boolean;
}

/** Restarts the application in Passenger, one host after the other, on hosts of the role `app`. Capistrano: capistrano-passenger. */
export const passenger = ({
  touch = false,
  command = ['passenger-config', 'restart-app'],
  flags,
  sudo = false,
  ...options
}: PassengerOptions = {}) =>
  service({
    name: 'passenger',
    verbs: {
      restart: async (host) => {
        if (touch) return inCurrent(host).execute(sh`mkdir -p tmp && touch tmp/restart.txt`);
        const asked = [...command, ...(flags ?? [host.deployTo, '--ignore-app-not-running'])];
        return (sudo ? host.as('root') : host).execute(asked);
      },
    },
    options: { roles: ['app'], wait: 5, ...(options.limit === undefined ? { in: 'sequence' } : {}), ...options },
  });
