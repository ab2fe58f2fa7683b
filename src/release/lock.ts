import { type Command, sh } from '#protocol/shell.ts';
import { commandFailure, type Remote, type RemoteProcess } from '#recipe/remote.ts';
import { markFailed } from './records.ts';
import { releasePaths } from './release-paths.ts';

/**
 * The lock of a host is a file that only one deployer can create, held by a small program on the host that waits on our
 * channel. When the channel ends without a word, because the deployer was killed or the network went away, that program
 * ends the commands that still run, removes what was not published and then the lock: a deployer that dies leaves nothing behind. `ln` is the atomic
 * test-and-set: unlike mkdir it comes with its content, so nobody ever reads a lock without an owner.
 */
export interface HeldLock {
  readonly host: string;
  /** Tells the host which release to remove should this deployer vanish. */
  readonly protect: (release: string) => void;
  /** Gives the lock back, and resolves when it is gone. */
  readonly release: () => Promise<void>;
}

export interface LockOwner {
  readonly by: string;
  readonly machine: string;
  readonly at: string;
  readonly task: string;
  /** Unlike every other run's. */
  readonly id: string;
}

export type LockAttempt = { held: HeldLock } | { taken: LockOwner | undefined };

/** Tries once to take the lock of a host. @throws CommandFailed where the host refuses to store it. */
export const takeLock = async (remote: Remote, owner: LockOwner): Promise<LockAttempt> => {
  const guard = await remote.spawn(guardLock(remote.host.deployTo, owner));
  const words = lines(guard);
  const verdict = await words.next();
  if (verdict === 'held') {
    remote.watch((group, runs) => void guard.stdin.write(`${runs ? 'begun' : 'ended'} ${group}\n`));
    return { held: holdLock(remote, owner, guard) };
  }
  const rest = verdict === 'taken' ? await words.next() : undefined;
  const exit = await guard.exit;
  if (verdict === 'taken') return { taken: parseOwner(rest) };
  throw commandFailure(remote.host.name, { ...exit, label: 'take the lock', stderr: words.stderr() });
};

/** Removes the lock, whoever holds it, and tells whose it was. */
export const breakLock = (deployTo: string): Command => {
  const { lock } = releasePaths(deployTo);
  return sh`if [ -f ${lock} ]; then cat ${lock}; rm -f ${lock}; fi`;
};

/** The owner in a lock file. */
export const parseOwner = (text: string | undefined): LockOwner | undefined => {
  try {
    const value = JSON.parse(text ?? '') as LockOwner;
    return typeof value?.by === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
};

/** "alice on laptop since 2026-11-23 09:30:00 UTC (deploy)", for messages. */
export const describeOwner = (owner: LockOwner | undefined): string =>
  owner
    ? `${owner.by} on ${owner.machine} since ${owner.at.slice(0, 19).replace('T', ' ')} UTC (${owner.task})`
    : 'somebody unknown';

const holdLock = (remote: Remote, owner: LockOwner, guard: RemoteProcess): HeldLock => ({
  host: remote.host.name,
  protect: (release) => void guard.stdin.write(`protect ${release}\n`),
  release: async () => {
    guard.stdin.end('done\n');
    const { exitCode } = await guard.exit;
    if (exitCode === 0) return;
    // somebody has killed it; where the connection is lost as well, nobody can do anything
    await remote.run(sh`${isMine(remote.host.deployTo, owner)} && rm -f ${lockOf(remote)}`).catch(() => {});
  },
});

const lockOf = ({ host }: Remote): string => releasePaths(host.deployTo).lock;

/** Shell words that tell whether the lock is still ours: somebody may have broken it, and another one taken it. */
const isMine = (deployTo: string, owner: LockOwner): Command =>
  sh`{ read -r l < ${releasePaths(deployTo).lock} && [ "$l" = ${JSON.stringify(owner)} ]; } 2>/dev/null`;

/**
 * The program that holds the lock. It ignores hang-ups: it has to outlive the connection by what it tidies up. It writes
 * through `cat`, which tells a full disk as such: dash's own printf says "I/O error".
 */
const guardLock = (deployTo: string, owner: LockOwner): Command => {
  const { own, lock, current, releases } = releasePaths(deployTo);
  return sh`
trap '' HUP INT TERM PIPE
mkdir -p ${own} || exit 1
printf '%s\n' ${JSON.stringify(owner)} | cat > ${own}/lock.$$ || { rm -f ${own}/lock.$$; exit 1; }
if ln ${own}/lock.$$ ${lock} 2>/dev/null; then rm -f ${own}/lock.$$; echo held
else rm -f ${own}/lock.$$; [ -f ${lock} ] || { echo 'cannot create '${lock} >&2; exit 1; }; echo taken; cat ${lock}; exit 0; fi
r=; g=' '; done=
while read -r word value; do
  case $word in
    protect) r=$value;;
    begun) g="$g$value ";;
    ended) case $g in *" $value "*) g="\${g%%" $value "*} \${g#*" $value "}";; esac;;
    done) done=1; break;;
  esac
done
mine() ${isMine(deployTo, owner)}
all() { s=1; for p in $g; do { kill -s $1 -- -$p || kill -s $1 $p; } 2>/dev/null && s=0; done; return $s; }
if [ -z "$done" ] && all TERM; then
  n=0
  while all 0 && [ $n -lt 5 ]; do n=$((n + 1)); sleep 1; done
  all KILL
fi
if [ -z "$done" ] && [ -n "$r" ] && mine && [ "$(readlink ${current})" != ${releases}/"$r" ]; then
  rm -rf ${own}/switch ${own}/incoming/"$r".tar ${own}/releases/"$r".new ${own}/peer/*.part
  ${markFailed(sh`${releases}/"$r"`, sh`${own}/releases/"$r"`)}
  mv ${releases}/"$r" ${own}/discarded.$$ 2>/dev/null
  [ -d ${releases}/"$r" ] || rm -f ${own}/releases/"$r"
  n=0
  until rm -rf ${own}/discarded.$$ 2>/dev/null; do n=$((n + 1)); [ $n -lt 30 ] || break; sleep 1; done
fi
mine && rm -f ${lock}
exit 0`;
};

/** Reads a program's stdout line by line; a line is undefined once it has ended. */
const lines = (program: RemoteProcess) => {
  const waiting: ((line: string | undefined) => void)[] = [];
  const ready: string[] = [];
  let partial = '';
  let ended = false;
  let errors = '';
  program.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk).slice(-4000);
  });
  program.stdout.on('data', (chunk: Buffer) => {
    const parts = (partial + chunk).split('\n');
    partial = parts.pop() as string;
    for (const line of parts) waiting.length > 0 ? waiting.shift()?.(line) : ready.push(line);
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
    stderr: () => errors,
  };
};
