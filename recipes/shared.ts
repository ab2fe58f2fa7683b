import { defineRecipe, type RoleName, releasePaths, type TaskContext, type TaskHost, task } from 'rookery';

export interface SharedOptions {
  /** Files of `shared/` and where they are on this machine, from the configuration: `{ '.env': 'secrets/production.env' }`. */
  readonly files: Readonly<Record<string, string>>;
  /** @default every host that gets releases */
  readonly roles?: readonly RoleName[];
  /** @default 0o600 */
  readonly mode?: number;
}

/**
 * Puts linked files on hosts that lack them when a deploy begins: a new host gets what it needs. `deploy <stage>
 * shared:upload` brings new versions to all. Capistrano: capistrano-linked-files.
 */
export const shared = ({ files, roles, mode = 0o600 }: SharedOptions) => {
  const upload = async (host: TaskHost, missing: boolean) => {
    for (const [name, local] of Object.entries(files)) {
      const path = `${releasePaths(host.deployTo).shared}/${name}`;
      if (missing && (await host.test(['test', '-e', path]))) continue;
      await host.execute(['mkdir', '-p', path.slice(0, path.lastIndexOf('/'))]);
      await host.upload(local, path, { mode });
    }
  };
  const run =
    (missing: boolean) =>
    ({ on, hosts }: TaskContext) =>
      on(hosts, (host) => upload(host, missing));
  const where = { release: true, ...(roles === undefined ? {} : { roles }) };
  return defineRecipe({
    name: 'shared',
    tasks: [
      task('shared:upload', 'Upload linked files', { ...where, run: run(false) }),
      task('shared:upload:missing', 'Upload linked files where there are none', { ...where, run: run(true) }),
    ],
    before: { 'deploy:check': 'shared:upload:missing' },
  });
};
