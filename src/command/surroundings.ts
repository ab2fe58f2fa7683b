import { hostname, userInfo } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

/** What the program needs of its process. */
export interface ProcessLike {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly pid: number;
  readonly execPath: string;
  readonly nodeVersion: string;
  readonly stdout: Writable & { isTTY?: boolean; columns?: number; rows?: number };
  readonly stderr: Writable & { isTTY?: boolean };
  readonly stdin: Readable & { isTTY?: boolean; setRawMode?(raw: boolean): unknown };
  readonly onSignal: (take: (name: string) => void) => void;
  /** Takes what was thrown, or rejected, where nobody waits for it; without that Node ends the program. */
  readonly onStray: (take: (error: unknown, promise?: Promise<unknown>) => void) => void;
  readonly endNow: (code: number) => void;
}

/** Where and as whom the program runs, as the parts below need it. */
export interface AroundRun {
  readonly from: string;
  readonly user: string;
  readonly home: string;
  readonly machine: string;
  readonly pid: number;
  readonly path: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where this user's programs keep what they can make again. */
  readonly cache: string;
}

/** Reads them off the process. */
export const surroundings = ({ env, cwd, pid, execPath }: ProcessLike): AroundRun => {
  const { username, homedir } = userInfo();
  const home = env.HOME ?? homedir;
  const cache = cacheOf(env, homedir);
  return {
    from: cwd,
    user: env.USER ?? env.LOGNAME ?? env.USERNAME ?? username,
    home,
    cache,
    machine: hostname(),
    pid,
    path: [dirname(execPath), env.PATH ?? '/usr/bin:/bin'].join(delimiter),
    env,
  };
};

/** Where this user's programs keep what they can make again (XDG base directories). */
export const cacheOf = (env: ProcessLike['env'], homedir: string): string =>
  join(env.XDG_CACHE_HOME || join(env.HOME ?? homedir, '.cache'), 'rookery');
