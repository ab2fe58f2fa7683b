import { sh } from '#protocol/shell.ts';
import type { HostState } from '#recipe/host-state.ts';
import { isCutOff, Overtaken, type Remote } from '#recipe/remote.ts';
import type { HeldLock } from '#release/lock.ts';
import { releasePaths } from '#release/release-paths.ts';
import type { LastingSession } from '#ssh/lasting-session.ts';

interface Parts {
  readonly sessions: readonly LastingSession[];
  readonly locks: readonly HeldLock[];
}

/**
 * When a run goes on with a host whose connection was lost. A host without a lock has nothing to lose. Elsewhere the
 * guard has given the lock back and removed what was not published: then it is over for this host. Otherwise the lock is taken
 * again, and `current` has to be as this run knows it, for somebody may have deployed meanwhile. Returned is what notes that a
 * host has nothing to lose any more.
 */
export const letReturn = (
  { sessions, locks }: Parts,
  found: (host: string) => HostState | undefined,
  release: () => string | undefined,
): ((host: string) => void) => {
  const lockOf = new Map(locks.map((lock) => [lock.host, lock]));
  for (const session of sessions) {
    const lock = lockOf.get(session.host.name);
    if (!lock) continue;
    const prepare = async (fresh: Remote, signal: AbortSignal): Promise<void> => {
      await lock.regain(fresh, signal);
      const before = found(fresh.host.name);
      if (!before) return;
      await expectCurrent(fresh, [before.current, release()]).catch(async (error) => {
        if (!isCutOff(error)) await lock.release(); // not left to the guard, which would remove what served before
        throw error;
      });
    };
    session.onReturn({ possible: () => !lock.isLostWithConnection(), prepare });
  }
  return (host) => lockOf.get(host)?.settled();
};

/** @throws Overtaken where `current` points to a release that is none of these */
const expectCurrent = async (remote: Remote, releases: readonly (string | undefined)[]): Promise<void> => {
  const { host } = remote;
  const { stdout } = await remote.run(sh`readlink ${releasePaths(host.deployTo).current} || :`, { quiet: true });
  const current = stdout.trim().split('/').at(-1) || undefined;
  if (releases.includes(current)) return;
  const words = current === undefined ? 'there is no current release any more' : `current points to ${current}`;
  throw new Overtaken(host.name, {
    code: 'connection-lost',
    message: `the connection was lost, and meanwhile somebody else was here: ${words}`,
  });
};
