import { defineRecipe, type RoleName, type ShellText, sh, task } from 'rookery';

export interface VersionManagerOptions {
  /** Where it is on the hosts. @default in the home of the user who logs in, or else in /usr/local */
  readonly path?: string;
  /** Programs that go through it. */
  readonly programs?: readonly string[];
  /** Hosts that have to have it. @default every host that gets releases */
  readonly roles?: readonly RoleName[];
}

export interface VersionManager<Name extends string> {
  readonly name: Name;
  readonly programs: readonly string[];
  /** The wanted version, if any: then every deploy begins with a look whether it is there. */
  readonly version: string | undefined;
  /** Runs the program that follows, `"$@"`; the manager is in `$root`. */
  readonly launch: ShellText;
}

/**
 * Programs run by a version manager, without any start-up file of a shell: each is called through a few words of sh. It
 * comes before other recipes that put something before the same programs, as `bundler()` does.
 */
export const versionManager = <const Name extends string>(
  { name, programs, version, launch }: VersionManager<Name>,
  { path = '', programs: chosen = programs, roles }: VersionManagerOptions,
) => {
  const find = sh`root=${path}; [ "$root" ] || root=$HOME/.${name}; [ -d "$root" ] || root=/usr/local/${name}`;
  const [first = name] = chosen;
  return defineRecipe({
    name,
    tasks: [
      task(`${name}:check`, `Look for the version that ${name} shall run`, {
        ...{ locks: false, release: true, ...(roles === undefined ? {} : { roles }) },
        run: ({ on, hosts }) =>
          on(version === undefined ? [] : hosts, (host) => host.execute([first, '--version'], { reads: true })),
      }),
    ],
    prefix: Object.fromEntries(
      chosen.map((program) => [program, ['/bin/sh', '-c', `${find.text}\n${launch.text}`, name]]),
    ),
    before: { 'deploy:starting': `${name}:check` as const },
  });
};
