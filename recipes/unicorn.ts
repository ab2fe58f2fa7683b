import { sh, type TaskContext, type TaskHost } from 'rookery';
import { inCurrent } from 'rookery/recipes/places';
import type { RollingOptions } from 'rookery/recipes/rolling';
import { service } from 'rookery/recipes/service';

export interface UnicornOptions extends RollingOptions {
  /** From `current`, as all paths here. @default 'tmp/pids/unicorn.pid' */
  readonly pid?: string;
  /** @default 'config/unicorn/<stage>.rb' */
  readonly config?: string;
  /** RACK_ENV. @default 'deployment', as Unicorn's own and Capistrano's */
  readonly env?: string;
  /** @default ['bundle', 'exec', 'unicorn'] */
  readonly command?: readonly string[];
  /** Seconds in which a new master has to load the application before the old one is ended. @default 3 */
  readonly settle?: number;
  /** Seconds in which a new master has to take the pid file over. @default 30 */
  readonly timeout?: number;
}

/** Unicorn by its pid file, on hosts of the role `app`: a new master beside the old one, which then ends. Capistrano: capistrano3-unicorn. */
export const unicorn = ({
  pid = 'tmp/pids/unicorn.pid',
  config,
  env = 'deployment',
  command = ['bundle', 'exec', 'unicorn'],
  settle = 3,
  timeout = 30,
  ...options
}: UnicornOptions = {}) => {
  const runs = (host: TaskHost) => inCurrent(host).test(sh`kill -0 "$(cat ${pid})"`);
  const signal = (name: string) => (host: TaskHost) =>
    inCurrent(host).execute(sh`! [ -e ${pid} ] || kill -s ${name} "$(cat ${pid})"`, { label: `SIG${name} to Unicorn` });
  const start = (host: TaskHost, { settings }: TaskContext) =>
    inCurrent(host).execute([...command, '-c', config ?? `config/unicorn/${settings.stage}.rb`, '-E', env, '-D']);
  return service({
    name: 'unicorn',
    verbs: {
      restart: async (host, t) =>
        (await runs(host))
          ? inCurrent(host).execute(replaceMaster(pid, settle, timeout), { label: 'replace the master of Unicorn' })
          : start(host, t),
      reload: signal('HUP'),
      start: async (host, t) => (await runs(host)) || start(host, t),
      stop: signal('QUIT'),
    },
    options: { roles: ['app'], ...options },
  });
};

/** A new master writes the pid file before it loads the application; one that fails at that gives the file back. */
export const replaceMaster = (pid: string, settle: number, timeout: number) => sh`old=$(cat ${pid}) || exit
kill -s USR2 "$old" || exit
n=0
while new=$(cat ${pid} 2>/dev/null) || :; [ -z "$new" ] || [ "$new" = "$old" ] || ! kill -0 "$new" 2>/dev/null; do
  n=$((n + 1))
  [ "$n" -le ${timeout} ] || { echo "no new master of Unicorn after ${timeout} s" >&2; exit 1; }
  sleep 1
done
sleep ${settle}
[ "$(cat ${pid} 2>/dev/null)" = "$new" ] && kill -0 "$new" || { echo 'the new master of Unicorn has ended' >&2; exit 1; }
kill -s QUIT "$old" 2>/dev/null || :`;
