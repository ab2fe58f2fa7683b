import { type Command, defineRecipe, type RoleName, task } from 'rookery';
import { inRelease } from 'rookery/recipes/places';

export interface BuildOptions {
  /** What is run on this machine, in order, beside the configuration: text for the shell, or a list of arguments. */
  readonly run: readonly (string | readonly string[])[];
  /** What goes into the release: local files and directories, and their places in it: `{ dist: 'public' }`. */
  readonly upload: Readonly<Record<string, string>>;
  /** @default every host that gets releases */
  readonly roles?: readonly RoleName[];
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Builds on this machine and uploads the result into the release, host by host: for the working directory as it is, with
 * all that it has installed. What is built from the deployed commit alone belongs into `build` of the configuration, and travels with the release.
 */
export const build = ({ run, upload, roles, env }: BuildOptions) =>
  defineRecipe({
    name: 'build',
    tasks: [
      task('build:run', 'Build on this machine', async ({ runLocally }) => {
        for (const words of run) {
          const command: Command = typeof words === 'string' ? { kind: 'shell', text: words } : words;
          await runLocally(command, env ? { env } : {});
        }
      }),
      task('build:upload', 'Upload what was built', {
        ...{ release: true, ...(roles === undefined ? {} : { roles }) },
        run: (t) =>
          t.on(t.hosts, async (host) => {
            for (const [local, place] of Object.entries(upload)) await inRelease(host, t).upload(local, place);
          }),
      }),
    ],
    before: { 'deploy:updating': 'build:run' },
    after: { 'deploy:symlink:shared': 'build:upload' },
  });
