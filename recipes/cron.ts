import { defineRecipe, type RoleName, releasePaths, sh, type TaskContext, task } from 'rookery';

export interface CronOptions {
  /** When and what: `{ '0 3 * * *': 'bin/nightly' }`, or several a time. Commands run by sh, in `current`. None: the entries are removed. */
  readonly jobs: Readonly<Record<string, string | readonly string[]>>;
  /** @default every host that gets releases */
  readonly roles?: readonly RoleName[];
  /** On the primary host of the roles alone. @default false */
  readonly once?: boolean;
  /** Whose crontab, by sudo. @default that of the user who logs in */
  readonly user?: string;
}

/**
 * Keeps the application's entries in a crontab, between two marks, and leaves the rest as it is. They are written when a
 * release serves or serves again, and are then exactly those of the configuration.
 */
export const cron = ({ jobs, roles, once = false, user }: CronOptions) => {
  const write = (wanted: CronOptions['jobs']) => (t: TaskContext) => {
    const mark = `${t.settings.application} ${t.settings.stage}`;
    return t.on(t.hosts, { once }, (host) =>
      (user === undefined ? host : host.as(user)).execute(
        writeCrontab(mark, entries(releasePaths(host.deployTo).current, wanted)),
        { label: 'write the crontab' },
      ),
    );
  };
  const where = { release: true, ...(roles === undefined ? {} : { roles }) };
  return defineRecipe({
    name: 'cron',
    tasks: [
      task('cron:write', 'Write the crontab', { ...where, run: write(jobs) }),
      task('cron:remove', 'Remove our entries from the crontab', { ...where, run: write({}) }),
    ],
    after: { 'deploy:restart': 'cron:write' },
  });
};

/** In a crontab a `%` is the end of a line. */
const entries = (current: string, jobs: CronOptions['jobs']): string[] =>
  Object.entries(jobs).flatMap(([when, commands]) =>
    [commands].flat().map((command) => `${when} ${sh`cd ${current}`.text} && ${command}`.replaceAll('%', '\\%')),
  );

/** Drops our entries and appends the new ones; a crontab that says the same already is left alone. A first mark without a last one drops nothing. */
export const writeCrontab = (mark: string, lines: readonly string[]) => {
  const [first, last] = [`# BEGIN ${mark} (written by each deploy)`, `# END ${mark}`];
  const block = lines.length === 0 ? sh`` : sh`printf '%s\n' ${[first, ...lines, last]}`;
  return sh`old=$(crontab -l 2> /dev/null) || old=
new=$([ -z "$old" ] || printf '%s\n' "$old" | FIRST=${first} LAST=${last} awk '
  $0 == ENVIRON["FIRST"] { printf "%s", held; held = ""; inside = 1 }
  inside { held = held $0 "\n"; if ($0 == ENVIRON["LAST"]) { held = ""; inside = 0 }; next }
  { print }
  END { printf "%s", held }'
${block})
[ "$new" = "$old" ] || { [ -z "$new" ] || printf '%s\n' "$new"; } | crontab -`;
};
