import { sh } from 'rookery';
import { type VersionManagerOptions, versionManager } from 'rookery/recipes/version-manager';

export interface RbenvOptions extends VersionManagerOptions {
  /** @default what rbenv itself finds, by .ruby-version for one */
  readonly ruby?: string;
}

/** Ruby's programs by `rbenv exec`. Capistrano: capistrano-rbenv. */
export const rbenv = ({ ruby, ...options }: RbenvOptions = {}) =>
  versionManager(
    {
      name: 'rbenv',
      programs: ['ruby', 'rake', 'gem', 'bundle', 'rails'],
      version: ruby,
      launch: sh`export RBENV_ROOT="$root" ${ruby === undefined ? [] : [`RBENV_VERSION=${ruby}`]}
exec "$root/bin/rbenv" exec "$@"`,
    },
    options,
  );
