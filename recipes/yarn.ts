import { type InstallOptions, install } from 'rookery/recipes/install';

/** `yarn install` (Yarn 1) in the new release, by its lock file, without what is for development. For later Yarn: `flags: ['--immutable']`. Capistrano: capistrano-yarn. */
export const yarn = (options: InstallOptions = {}) =>
  install({ name: 'yarn', command: ['yarn', 'install'], flags: ['--production', '--frozen-lockfile'] }, options);
