import type { RollingOptions } from 'rookery/recipes/rolling';
import { service } from 'rookery/recipes/service';
import { type UnitOptions, unitVerbs } from 'rookery/recipes/systemd';

export interface PumaOptions extends RollingOptions, UnitOptions {
  /** @default '<application>_puma_<stage>' */
  readonly unit?: string;
  /** A unit of the user who logs in, not of the system. @default true */
  readonly user?: boolean;
  /** Reloads instead: Puma replaces its workers one by one (not together with preload_app). @default false */
  readonly phasedRestart?: boolean;
}

/** Puma as a systemd unit, on hosts of the role `app`. Capistrano: capistrano3-puma. */
export const puma = ({ unit, phasedRestart = false, ...options }: PumaOptions = {}) =>
  service({
    name: 'puma',
    verbs: unitVerbs(
      ({ settings: { application, stage } }) => [unit ?? `${application}_puma_${stage}`],
      { user: true, ...options },
      phasedRestart,
    ),
    options: { roles: ['app'], ...options },
  });
