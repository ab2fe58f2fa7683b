import { defineRecipe, type RoleName, task } from 'rookery';
import { inRelease } from 'rookery/recipes/places';

export interface InstallOptions {
  /** Hosts to install on. @default every host that gets releases */
  readonly roles?: readonly RoleName[];
  /** Directory of the package, in the release. @default the release itself */
  readonly directory?: string;
  /** Arguments in place of the default ones. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A package manager: its name, and what it is called with. */
export interface Installer<Name extends string> {
  readonly name: Name;
  readonly command: readonly string[];
  readonly flags: readonly string[];
}

/** Installs an application's packages into the new release, as soon as its shared files are linked. */
export const install = <const Name extends string>(
  { name, command, flags }: Installer<Name>,
  { roles, directory, flags: chosen = flags, env = {} }: InstallOptions,
) =>
  defineRecipe({
    name,
    tasks: [
      task(`${name}:install`, `Install packages with ${name}`, {
        ...{ release: true, ...(roles === undefined ? {} : { roles }) },
        run: (t) =>
          t.on(t.hosts, (remote) => {
            const release = inRelease(remote, t).with(env);
            return (directory === undefined ? release : release.within(directory)).execute([...command, ...chosen]);
          }),
      }),
    ],
    after: { 'deploy:symlink:shared': `${name}:install` as const },
  });
