import type { HostError } from '#protocol/events.ts';
import { CommandFailed, type Remote } from '#recipe/remote.ts';
import { describeOwner, type HeldLock, type LockOwner, takeLock } from './lock.ts';

export interface FleetLock {
  readonly held: readonly HeldLock[];
  /** Hosts whose lock could not be had, and why. When there are any, nothing is held any more. */
  readonly errors: ReadonlyMap<string, HostError>;
}

/**
 * Takes the lock of every host, or of none. The first host by name decides between two deployers that start together;
 * the others follow at once. A deployer that does not get one gives back what it has: nobody waits, so nobody can wait in a circle.
 */
export const lockFleet = async (remotes: readonly Remote[], owner: LockOwner): Promise<FleetLock> => {
  const [first, ...others] = [...remotes].sort((a, b) => (a.host.name < b.host.name ? -1 : 1));
  const held: HeldLock[] = [];
  const errors = new Map<string, HostError>();
  const take = async (remote: Remote) => {
    const attempt = await takeLock(remote, owner).catch((error: unknown) => ({ refused: error }));
    if ('held' in attempt) held.push(attempt.held);
    else errors.set(remote.host.name, 'taken' in attempt ? lockedBy(attempt.taken) : refusedBecause(attempt.refused));
  };
  if (first) await take(first);
  if (errors.size === 0) await Promise.all(others.map(take));
  if (errors.size > 0) await unlockFleet(held.splice(0));
  return { held, errors };
};

/** Gives every lock back. */
export const unlockFleet = async (held: readonly HeldLock[]): Promise<void> => {
  await Promise.all(held.map((lock) => lock.release()));
};

const lockedBy = (owner: LockOwner | undefined): HostError => ({
  code: 'locked',
  message: `the lock is held by ${describeOwner(owner)}`,
  task: 'deploy:lock',
});

const refusedBecause = (error: unknown): HostError =>
  error instanceof CommandFailed
    ? { ...error.facts, command: 'take the lock', task: 'deploy:lock' }
    : { code: 'bug', message: (error as Error).message, task: 'deploy:lock' };
