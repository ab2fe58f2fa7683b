import { type Command, sh, type TaskContext, type TaskHost } from 'rookery';
import type { HostWork, RollingOptions } from 'rookery/recipes/rolling';
import { service } from 'rookery/recipes/service';

export interface UnitOptions {
  /** A unit of the user who logs in (`systemctl --user`), not of the system. @default false */
  readonly user?: boolean;
  /** Goes by sudo. @default for units of the system, unless root logs in */
  readonly sudo?: boolean;
  /** Seconds in which the unit has to become active; 0: nobody waits for it. @default 30 */
  readonly timeout?: number;
}

export interface SystemdOptions<Name extends string = 'systemd'> extends RollingOptions, UnitOptions {
  /** First part of the tasks' names, for a second recipe of this kind. @default 'systemd' */
  readonly name?: Name;
  /** Reloads a unit that can, and restarts one that cannot or does not run. @default false */
  readonly reload?: boolean;
}

/** Restarts systemd units when a release is published or switched back, and waits until they are active. */
export const systemd = <const Name extends string = 'systemd'>(
  units: string | readonly string[],
  { name = 'systemd' as Name, reload = false, ...options }: SystemdOptions<Name> = {},
) => service({ name, verbs: unitVerbs(() => [units].flat(), options, reload), options });

/** The verbs of units. `reload` puts that one first: it is what a deploy does. */
export const unitVerbs = (
  units: (t: TaskContext) => readonly string[],
  options: UnitOptions,
  reload = false,
): Readonly<Record<'restart' | 'reload' | 'start' | 'stop' | 'status', HostWork>> => {
  const verb = (words: readonly string[], waits: boolean) => forEach(units, systemctl(words, options, waits));
  const restart = { restart: verb(['restart'], true) };
  return {
    ...(reload ? {} : restart),
    reload: verb(['reload-or-restart'], true),
    ...restart,
    start: verb(['start'], true),
    stop: verb(['stop'], false),
    status: verb(['status', '--no-pager'], false),
  };
};

/** `systemctl <words> <unit>` on a host, and the wait for the unit to become active. */
export const systemctl =
  (words: readonly string[], { user = false, sudo, timeout = 30 }: UnitOptions, waits = false) =>
  async (host: TaskHost, unit: string): Promise<void> => {
    const root = sudo ?? (!user && host.user !== 'root');
    await (root ? host.as('root') : host).execute(user ? asUser([...words, unit]) : ['systemctl', ...words, unit]);
    if (waits && timeout > 0)
      await host.execute(untilActive(user, unit, timeout), { label: `wait for ${unit} to become active` });
  };

/** Sessions that PAM did not set up lack the variable by which systemctl finds the user's manager. */
const asUser = (words: readonly string[]): Command =>
  sh`XDG_RUNTIME_DIR="\${XDG_RUNTIME_DIR:-/run/user/$(id -u)}" systemctl --user ${words}`;

/** A unit that systemd starts again and again is `activating` in between; one that failed for good is told with its last words. */
export const untilActive = (user: boolean, unit: string, seconds: number): Command => {
  const ask = (words: readonly string[]) => (user ? asUser(words) : sh`systemctl ${words}`);
  return sh`n=0
while :; do
  state=$(${ask(['is-active', unit])}) || :
  case $state in
    active) exit 0 ;;
    failed | inactive) break ;;
  esac
  [ "$n" -lt ${Math.ceil(seconds)} ] || break
  n=$((n + 1))
  sleep 1
done
echo ${unit} "is $state" >&2
${ask(['status', '--no-pager', '--lines=10', unit])} >&2
exit 1`;
};

const forEach =
  (units: (t: TaskContext) => readonly string[], work: (host: TaskHost, unit: string) => Promise<void>): HostWork =>
  async (host, t) => {
    for (const unit of units(t)) await work(host, unit);
  };
