import { sh } from 'rookery';
import { type VersionManagerOptions, versionManager } from 'rookery/recipes/version-manager';

export interface NvmOptions extends VersionManagerOptions {
  /** As nvm names it: '22', 'lts/jod'. @default what .nvmrc says */
  readonly node?: string;
}

/** Node's programs by `nvm-exec`. Capistrano: capistrano-nvm. */
export const nvm = ({ node, ...options }: NvmOptions = {}) =>
  versionManager(
    {
      name: 'nvm',
      programs: ['node', 'npm', 'npx', 'pnpm', 'yarn', 'pm2'],
      version: node,
      launch: sh`export NVM_DIR="$root" ${node === undefined ? [] : [`NODE_VERSION=${node}`]}
exec "$root/nvm-exec" "$@"`,
    },
    options,
  );
