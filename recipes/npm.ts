import { type InstallOptions, install } from 'rookery/recipes/install';

export interface NpmOptions extends InstallOptions {
  /** `ci` keeps to the lock file and needs one. @default 'ci' */
  readonly method?: 'ci' | 'install';
}

/** `npm ci` in the new release, without what is for development. Capistrano: capistrano-npm, which calls `npm install`. */
export const npm = ({ method = 'ci', ...options }: NpmOptions = {}) =>
  install({ name: 'npm', command: ['npm', method], flags: ['--omit=dev', '--no-audit', '--no-fund'] }, options);
