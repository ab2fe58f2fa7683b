import { sh } from 'rookery';
import { type VersionManagerOptions, versionManager } from 'rookery/recipes/version-manager';

export interface RvmOptions extends VersionManagerOptions {
  /** With a gemset, if any: '3.3.6@shop'. @default 'default' */
  readonly ruby?: string;
}

/** Ruby's programs by `rvm do`. Capistrano: capistrano-rvm. */
export const rvm = ({ ruby = 'default', ...options }: RvmOptions = {}) =>
  versionManager(
    {
      name: 'rvm',
      programs: ['ruby', 'rake', 'gem', 'bundle'],
      version: ruby,
      launch: sh`exec "$root/bin/rvm" ${ruby} do "$@"`,
    },
    options,
  );
