import { setTimeout as pause } from 'node:timers/promises';
import type { Emit, HostError } from '#protocol/events.ts';
import { CommandFailed, type Remote } from '#recipe/remote.ts';
import { UserError } from '#recipe/user-error.ts';
import { describeLock, type FoundLock, inWords, isLasting } from './found-lock.ts';
import type { HeldLock, LockAttempt, Turn } from './lock.ts';
import { DEAD_AFTER } from './lock-programs.ts';

/** How a run goes about locks. */
export interface Locking {
  /** Seconds to wait for the lock of another run; undefined: none. */
  readonly wait: number | undefined;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

export interface FleetLock {
  readonly held: readonly HeldLock[];
  /** Hosts whose lock could not be had, and why. When there are any, nothing is held any more. */
  readonly errors: ReadonlyMap<string, HostError>;
}

/**
 * Takes the lock of every host, or of none; where another run is in the way, waits for it as long as `wait` allows. A lock
 * that somebody set is not waited for. The pauses differ, so that runs whose fleets overlap do not meet for ever.
 */
export const lockFleet = async (remotes: readonly Remote[], take: Take, locking: Locking): Promise<FleetLock> => {
  const { wait = 0, emit, signal } = locking;
  const deadline = performance.now() + wait * 1000;
  const told = new Set<string | undefined>();
  for (let ahead = true; ; ahead = false) {
    const { held, taken, refused } = await tryFleet(remotes, take, emit, ahead);
    const locks = [...taken.values()];
    const left = deadline - performance.now();
    if (taken.size === 0 || refused.size > 0 || signal.aborted || left <= 0 || locks.some(isLasting))
      return { held, errors: new Map([...refused, ...lockedErrors(taken, locking)]) };
    for (const lock of locks) {
      const id = lock.owner?.id;
      if (!told.has(id))
        emit({ type: 'notice', level: 'info', message: `waiting for the lock of ${describeLock(lock)}` });
      told.add(id);
    }
    await pause(Math.min(left, 1500 + 1000 * Math.random()), undefined, { signal }).catch(() => {});
  }
};

/** Gives every lock back. */
export const unlockFleet = async (held: readonly HeldLock[]): Promise<void> => {
  await Promise.all(held.map((lock) => lock.release()));
};

/** Aborts, with a UserError as its reason, when any of the locks is lost. */
export const lossOf = (held: readonly HeldLock[]): AbortSignal => {
  const loss = new AbortController();
  for (const { lost } of held) void lost.then((why) => loss.abort(new UserError(why)));
  return loss.signal;
};

/** Tries to take the lock of one host, and may get ready for it while its turn has yet to come; what it makes of a turn that never comes is not asked. */
type Take = (remote: Remote, turn?: Turn) => Promise<LockAttempt>;

interface Try {
  readonly held: readonly HeldLock[];
  readonly taken: ReadonlyMap<string, FoundLock>;
  readonly refused: ReadonlyMap<string, HostError>;
}

/**
 * The first host by name decides between two deployers that start together; the others follow at once. A deployer that
 * does not get one gives back what it has: nobody waits with a lock in hand, so nobody can wait in a circle.
 * @param ahead the others get ready while the first one decides: not where the run has waited already, which may be for long
 */
const tryFleet = async (remotes: readonly Remote[], take: Take, emit: Emit, ahead: boolean): Promise<Try> => {
  const [first, ...others] = [...remotes].sort((a, b) => (a.host.name < b.host.name ? -1 : 1));
  const held: HeldLock[] = [];
  const taken = new Map<string, FoundLock>();
  const refused = new Map<string, HostError>();
  const tryOne = async (remote: Remote, turn?: Turn) => {
    const trying = take(remote, turn).catch((error: unknown) => ({ refused: error }));
    if (turn && !(await turn)) return;
    const attempt = await trying;
    const { name } = remote.host;
    if ('refused' in attempt) refused.set(name, refusedBecause(attempt.refused));
    else if ('taken' in attempt) taken.set(name, attempt.taken);
    else {
      held.push(attempt.held);
      if (attempt.dead) emit({ type: 'notice', level: 'warning', host: name, message: tookOver(attempt.dead) });
    }
  };
  const decided = first ? tryOne(first).then(() => held.length > 0) : Promise.resolve(false);
  if (ahead) await Promise.all(others.map((other) => tryOne(other, decided)));
  else if (await decided) await Promise.all(others.map((other) => tryOne(other)));
  await decided;
  if (taken.size + refused.size > 0) await unlockFleet(held.splice(0));
  return { held, taken, refused };
};

const tookOver = (dead: FoundLock): string => {
  const { silence = 0, release } = dead;
  const removed = release === undefined ? '' : `; its release ${release} is removed where it was not published`;
  return `took over the lock of ${describeLock(dead)}: it died, there was no sign of life for ${inWords(silence)}${removed}`;
};

const lockedErrors = (taken: ReadonlyMap<string, FoundLock>, locking: Locking): [string, HostError][] =>
  [...taken].map(([host, lock]) => [
    host,
    {
      code: 'locked',
      message: `the lock is held by ${describeLock(lock)}; ${advice(lock, locking.wait)}`,
      task: 'deploy:lock',
    },
  ]);

/** What to expect of a lock that is in the way. */
const advice = (lock: FoundLock, wait: number | undefined): string => {
  const { silence = 0 } = lock;
  if (isLasting(lock))
    return `it stays until deploy:unlock${wait === undefined ? '' : ', --wait-lock does not wait for it'}`;
  if (silence >= DEAD_AFTER / 2)
    return `no sign of life for ${inWords(silence)}: after ${inWords(DEAD_AFTER)} the next run takes it over`;
  return wait === undefined ? '--wait-lock waits for it' : `it was waited for ${inWords(wait)}`;
};

const refusedBecause = (error: unknown): HostError =>
  error instanceof CommandFailed
    ? { ...error.facts, command: 'take the lock', task: 'deploy:lock' }
    : { code: 'bug', message: (error as Error).message, task: 'deploy:lock' };
