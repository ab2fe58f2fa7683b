import { type InstallOptions, install } from 'rookery/recipes/install';

/** `pnpm install` in the new release, by its lock file, without what is for development. */
export const pnpm = (options: InstallOptions = {}) =>
  install({ name: 'pnpm', command: ['pnpm', 'install'], flags: ['--prod', '--frozen-lockfile'] }, options);
