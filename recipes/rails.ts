import { defineRecipe, type RoleName, releasePaths, sh, type TaskContext, task } from 'rookery';
import { bundler } from 'rookery/recipes/bundler';
import { hostsWith, inRelease } from 'rookery/recipes/places';

export interface RailsOptions {
  /** RAILS_ENV. @default the stage */
  readonly env?: string;
  /** The migration runs on the primary host of this role. False: none runs. @default 'db' */
  readonly migrate?: RoleName | false;
  /** @default 'db:migrate' */
  readonly migration?: string;
  /** Migrates only when `db/` is not that of the release that serves. @default false */
  readonly conditionally?: boolean;
  /** Hosts that compile assets. False: none does. @default ['web'] */
  readonly assets?: readonly RoleName[] | false;
  /** Where they are, in the release; to be among `linkedDirs`. @default 'public/assets' */
  readonly assetsDirectory?: string;
  /** Versions of each asset that cleaning up leaves. @default nothing is cleaned up */
  readonly keepAssets?: number;
}

/** Rails: migrates before the switch, and compiles assets. Brings `bundler()` along. Capistrano: capistrano-rails. */
export const rails = (options: RailsOptions = {}) => {
  const { migrate = 'db', migration = 'db:migrate', conditionally = false, assets = ['web'], keepAssets } = options;
  const { assetsDirectory = 'public/assets' } = options;
  const inRails = (t: TaskContext) => {
    const env = { RAILS_ENV: options.env ?? t.settings.stage };
    return (host: (typeof t.hosts)[number]) => inRelease(host, t).with(env);
  };
  const migrateOnce = (t: TaskContext) =>
    t.on(hostsWith(t, [migrate || 'db'], 'the database is not migrated'), { once: true }, async (host) => {
      const { current } = releasePaths(host.deployTo);
      const same = conditionally && (await inRails(t)(host).test(['diff', '-qr', 'db', `${current}/db`]));
      if (same) t.detail('nothing changed in db');
      else await inRails(t)(host).execute(['rake', migration]);
    });
  const compile = (t: TaskContext) =>
    t.on(hostsWith(t, assets || [], 'no assets are compiled'), async (remote) => {
      const host = inRails(t)(remote);
      await host.with({ RAILS_GROUPS: 'assets' }).execute(['rake', 'assets:precompile']);
      await host.execute(keepManifests(assetsDirectory), { label: 'keep the manifests of assets' });
      if (keepAssets !== undefined) await host.execute(['rake', `assets:clean[${keepAssets}]`]);
    });
  const restore = (wanted: (t: TaskContext, host: string) => string | undefined) => (t: TaskContext) =>
    t.on(t.deployment.decided ? t.hosts : [], async (host) => {
      const release = wanted(t, host.name);
      if (release === undefined) return;
      const there = host.within(releasePaths(host.deployTo).release(release));
      await there.execute(restoreManifests(assetsDirectory), { label: 'restore the manifests of assets' });
    });
  const onAssetHosts = { release: true, roles: assets || [] };
  return defineRecipe({
    name: 'rails',
    uses: [bundler()],
    tasks: [
      task('deploy:migrate', 'Migrate the database', { release: true, run: migrateOnce }),
      task('deploy:assets:precompile', 'Compile assets', { release: true, run: compile }),
      task('deploy:assets:restore', 'Restore the list of assets', {
        ...onAssetHosts,
        run: restore(({ deployment }) => deployment.release),
      }),
      task('deploy:assets:undo', 'Restore the list of assets that was there', {
        ...onAssetHosts,
        run: restore(({ deployment }, host) => deployment.state(host).current),
      }),
    ],
    before: {
      'deploy:updated': assets ? 'deploy:assets:precompile' : [],
      'deploy:reverted': 'deploy:assets:restore',
      'deploy:undo': 'deploy:assets:undo',
    },
    after: { 'deploy:updated': migrate ? 'deploy:migrate' : [] },
  });
};

/** Assets are shared by all releases, and so is the list of which are current: each release keeps its own. */
const keepManifests = (assets: string) => sh`cd ${assets} || exit 0
for file in .sprockets-manifest* manifest*.* .manifest.json; do
  [ ! -e "$file" ] || { mkdir -p "$OLDPWD/assets_manifest_backup" && cp -p "$file" "$OLDPWD/assets_manifest_backup/"; } || exit
done`;

const restoreManifests = (assets: string) => sh`for file in assets_manifest_backup/.[!.]* assets_manifest_backup/*; do
  [ ! -e "$file" ] || cp -p "$file" ${`${assets}/`} || exit
done`;
