import { setTimeout as pause } from 'node:timers/promises';
import { eachLine, keepTail } from '#recipe/process-output.ts';
import { CommandFailed, commandFailure, type Remote, type RemoteProcess } from '#recipe/remote.ts';
import { describeLock, type FoundLock, inWords, type LockOwner, parseLock } from './found-lock.ts';
import { type GuardStart, giveBackLock, guardLock, leaveLock, SILENT, WAITING } from './lock-programs.ts';

/** The lock of one host, had. */
export interface HeldLock {
  readonly host: string;
  /** Tells the host which release to remove should this deployer vanish. */
  readonly protect: (release: string) => void;
  /** Notes that it has its place now: the host removes nothing of it any more. */
  readonly settled: () => void;
  /** Whether the host has removed what this run needs there, or is about to, once the connection was lost. */
  readonly isLostWithConnection: () => boolean;
  /** Takes the lock again over another connection. @throws CommandFailed where somebody else has it by now, or the signal ends the wait for it */
  readonly regain: (remote: Remote, signal: AbortSignal) => Promise<void>;
  /** Gives the lock back, and resolves when it is gone. */
  readonly release: () => Promise<void>;
  /** Resolves, to a sentence, if the host has given up on us: somebody else may hold the lock by now. */
  readonly lost: Promise<string>;
}

/** Resolves when it is known whether a lock may be taken. */
export type Turn = Promise<boolean>;

export type LockAttempt =
  /** `dead` is the lock of a dead deployer's that was taken over. */
  { readonly held: HeldLock; readonly dead?: FoundLock } | { readonly taken: FoundLock };

/**
 * Tries once to take the lock of a host, for as long as the channel to its guard is open. The guard gets ready while its turn has yet to come.
 * @throws CommandFailed where the host refuses to store it, or where its turn never comes
 */
export const takeLock = async (remote: Remote, owner: LockOwner, turn?: Turn): Promise<LockAttempt> => {
  const started = await startGuard(remote, owner, { waits: turn !== undefined }, turn);
  if ('taken' in started) return started;
  const { guard, ...found } = started;
  return { held: keepLock(remote, owner, guard), ...found };
};

/** Tries once, when its turn has come, to leave a lock on a host that stays when the run is over; `run` is the owner of the run's own lock, which it may replace. */
export const setLock = async (
  remote: Remote,
  owner: LockOwner,
  run: LockOwner,
  turn: Turn = Promise.resolve(true),
): Promise<LockAttempt> => {
  const { deployTo, name } = remote.host;
  if (!(await turn)) throw new Error('its turn has not come');
  const { stdout } = await remote.run(leaveLock(deployTo, owner, run), { label: 'lock the host', quiet: true });
  const verdict = verdictOf(stdout.split('\n'));
  if (!verdict) throw new Error('the host gave no verdict on its lock');
  if ('taken' in verdict) return verdict;
  const release = async () => {
    const program = await remote.spawn(giveBackLock(deployTo, owner)); // `run` begins nothing after an interrupt
    for (const output of [program.stdout, program.stderr]) output.resume(); // unread, the channel stays open
    await program.exit;
  };
  const held: HeldLock = {
    ...{ host: name, protect: () => {}, settled: () => {}, isLostWithConnection: () => false },
    ...{ regain: async () => {}, release: () => release().catch(() => {}), lost: NEVER },
  };
  return { held, ...(verdict.dead && verdict.dead.owner?.id !== run.id ? { dead: verdict.dead } : {}) };
};

const NEVER = new Promise<string>(() => {});

type Verdict = { readonly dead?: FoundLock } | { readonly taken: FoundLock };

/** What one of the programs has said, once it has come to a verdict: the last line, with the lock that it found before. */
const verdictOf = (said: readonly string[]): Verdict | undefined => {
  const at = said.findIndex((line) => line === 'held' || line === 'taken');
  if (at === -1) return undefined;
  const lock = parseLock(said.slice(0, at).join('\n'));
  if (said[at] === 'taken') return { taken: lock };
  return lock.owner ? { dead: lock } : {};
};

/** Starts a guard, tells it of its turn, and listens until its verdict. */
const startGuard = async (
  remote: Remote,
  owner: LockOwner,
  start: GuardStart = {},
  turn?: Turn,
): Promise<{ readonly guard: RemoteProcess; readonly dead?: FoundLock } | { readonly taken: FoundLock }> => {
  const guard = await remote.spawn(guardLock(remote.host.deployTo, owner, undefined, start));
  const words = lines(guard);
  const said: string[] = [];
  for (let word = await words.next(); word !== undefined; word = await words.next()) {
    if (turn && word.endsWith(WAITING)) {
      void turn.then((come) => (come ? guard.stdin.write('go\n') : guard.stdin.end()));
      continue;
    }
    said.push(word);
    const verdict = verdictOf(said);
    if (verdict && 'taken' in verdict) return guard.exit.then(() => verdict);
    if (verdict) return { guard, ...verdict };
  }
  throw commandFailure(remote.host.name, { ...(await guard.exit), label: 'take the lock', stderr: words.stderr() });
};

/** Starts one once the guard before it, whose connection was lost, has tidied up or is dead. */
const startAgain = async (remote: Remote, owner: LockOwner, signal: AbortSignal): Promise<RemoteProcess> => {
  const deadline = performance.now() + REGAIN_S * 1000;
  for (;;) {
    const started = await startGuard(remote, owner, { again: 'in-turn' });
    if ('guard' in started) return started.guard;
    const { taken } = started;
    const own = taken.owner?.id === owner.id;
    if (!own || performance.now() > deadline) {
      const words = own
        ? `its own lock was still held after ${inWords(REGAIN_S)}`
        : `${describeLock(taken)} has taken the lock`;
      throw new CommandFailed(remote.host.name, {
        code: 'locked',
        message: `the connection was lost, and meanwhile ${words}`,
      });
    }
    await pause(1000, undefined, { signal }).catch(() => {
      throw new CommandFailed(remote.host.name, {
        code: 'connection-lost',
        message: 'the connection was lost, and its own lock was still held when the run was to end',
      });
    });
  }
};

/** Seconds: a guard that nobody tells of a lost connection gives up after a minute, and tidies up. */
const REGAIN_S = 90;

/**
 * Tells the guard what happens here and, every ten seconds, that we live. A guard that is killed while its connection
 * lives is replaced by another one, which takes the lock over and is told the same: the run does not notice. A guard that
 * has given up has ended what ran and removed what was not published: then the lock is lost, and the run has to end.
 */
const keepLock = (remote: Remote, owner: LockOwner, first: RemoteProcess): HeldLock => {
  const running = new Set<number>();
  let unpublished: string | undefined;
  let isSettled = false;
  let guard = first;
  let ended = false;

  const tell = (word: string, value: string | number = ''): void => {
    if (!ended) guard.stdin.write(`${word} ${value}\n`);
  };
  remote.watch((group, runs) => {
    if (runs) running.add(group);
    else running.delete(group);
    tell(runs ? 'begun' : 'ended', group);
  });
  const pulse = setInterval(() => tell('alive'), ALIVE_MS).unref();
  const end = (): void => {
    ended = true;
    clearInterval(pulse);
    guard.stdin.end('done\n');
  };

  /** Resolves when there is no guard any more: to a sentence where there should be one. */
  const keep = async (replacements: number): Promise<string | undefined> => {
    const end = await guard.exit;
    if (ended || isCut(end)) return undefined; // every command on this host will tell of a cut
    if (end.exitCode === SILENT)
      return 'it had not heard of this run for a minute: was this program stopped, or the network away?';
    const next = replacements > 0 ? await startGuard(remote, owner).catch(() => undefined) : undefined;
    if (!next || 'taken' in next) return 'the program that holds it was killed';
    brief(next.guard);
    return keep(replacements - 1);
  };
  /** Tells a new guard all that the one before it knew. */
  const brief = (next: RemoteProcess): void => {
    guard = next;
    if (ended) end();
    if (unpublished !== undefined) tell('protect', unpublished);
    for (const group of running) tell('begun', group);
  };

  let lose: (why: string) => void = () => {};
  const lost = new Promise<string>((resolve) => {
    lose = resolve;
  });
  const watch = async (): Promise<void> => {
    const why = await keep(REPLACEMENTS);
    if (why === undefined) return;
    end();
    lose(`the lock of ${remote.host.name} was lost; ${why}`);
  };
  let gone = watch();
  return {
    host: remote.host.name,
    protect: (release) => {
      unpublished = release;
      tell('protect', release);
    },
    settled: () => {
      isSettled = true;
    },
    isLostWithConnection: () => unpublished !== undefined && !isSettled,
    regain: async (fresh, signal) => {
      const next = await startAgain(fresh, owner, signal);
      running.clear(); // they ended with their channels, and their numbers may be others' by now
      brief(next);
      gone = watch();
    },
    release: async () => {
      end();
      await gone;
      const last = await guard.exit;
      if (last.exitCode === 0 || isCut(last)) return; // without a connection it gives the lock back by itself
      // it was killed at the last moment
      await remote.run(giveBackLock(remote.host.deployTo, owner)).catch(() => {});
    },
    lost,
  };
};

/** No word of how it ended: the connection was lost. */
const isCut = ({ exitCode, signal }: Awaited<RemoteProcess['exit']>) => exitCode === null && signal === null;

const ALIVE_MS = 10_000;
const REPLACEMENTS = 5;

/** Reads a program's stdout line by line; a line is undefined once it has ended. */
const lines = (program: RemoteProcess) => {
  const waiting: ((line: string | undefined) => void)[] = [];
  const ready: string[] = [];
  let ended = false;
  const stderr = keepTail(program.stderr);
  eachLine(program.stdout.setEncoding('utf8'), (line) => {
    if (waiting.length > 0) waiting.shift()?.(line);
    else ready.push(line);
  });
  void program.exit.then(() => {
    ended = true;
    for (const take of waiting.splice(0)) take(undefined);
  });
  return {
    next: (): Promise<string | undefined> =>
      new Promise((resolve) => {
        if (ready.length > 0 || ended) resolve(ready.shift());
        else waiting.push(resolve);
      }),
    stderr,
  };
};
