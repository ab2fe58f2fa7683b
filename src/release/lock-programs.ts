import { type Command, sh } from '#protocol/shell.ts';
import type { LockOwner } from './found-lock.ts';
import { store } from './host-files.ts';
import { markFailed } from './records.ts';
import { releasePaths } from './release-paths.ts';

/**
 * The programs that take and keep the lock of a host. The lock is a file that only one can create: `ln` is the atomic
 * test-and-set, and unlike mkdir it comes with its content, so nobody ever reads a lock without an owner. Its lines are
 * the owner, then `beat` and the time again and again as long as its guard lives, or `since` and the time once for a
 * lock that nobody guards; and `protect` with the release that is not published yet. The guard holds the file open: what
 * it writes reaches its own lock and never another one of that name. A lock without a beat for half a minute belongs to
 * a guard that cannot tidy up any more: it was killed, or its host was restarted. The next one who wants it takes it over.
 */

/** Seconds without a beat after which a guard is dead. */
export const DEAD_AFTER = 30;

/** Exit code of a guard that has not heard of its deployer for too long. */
export const SILENT = 3;

/** What a guard says that waits for its turn: before, a profile might take the word that is meant for it. */
export const WAITING = 'waiting';

export interface GuardTiming {
  /** Seconds from beat to beat. */
  readonly tick: number;
  /** So many beats without a word of the deployer's, and it is as good as gone. */
  readonly patience: number;
}

export interface GuardStart {
  /** How it follows a guard of the same run: one that was killed, or one that may still be tidying up. @default 'at-once' */
  readonly again?: 'at-once' | 'in-turn';
  /** Begins when it reads `go`, and ends well where it reads no more. @default false */
  readonly waits?: boolean;
}

/**
 * Takes the lock and holds it, at once or when it reads `go`, for which it says that it waits. It prints `held`, preceded by the dead lock that it took over, or the lock that is in the
 * way and `taken`. Then it waits for words: `alive` now and then, `protect` with a release, `begun` and `ended` with a
 * process group, `done`. When the channel ends without a word, or nothing is heard for a minute (the network is away, or
 * the deployer is stopped), it ends the commands that still run, removes what was not published, and the lock.
 *
 * A reader and a ticker write into the one pipe that it reads, since no POSIX `read` has a time limit. The ticker beats
 * only while somebody reads that pipe, and the reader ends the ticker when nobody does: if the guard is killed, both end.
 * All of it ignores hang-ups: it has to outlive the connection by what it tidies up.
 *
 * The OpenSSH transport puts a shell around this one, whose number is `$$`. Where that was killed, the channel ended and the
 * run did not: then this one is as good as killed too, and leaves everything to the guard that follows.
 *
 * The guard that follows one of the same run that was killed takes its lock over at once. After a lost connection it comes in turn:
 * the one before may still be tidying up, and would take the new lock for its own.
 */
export const guardLock = (
  deployTo: string,
  owner: LockOwner,
  { tick, patience }: GuardTiming = { tick: 5, patience: 12 },
  { again = 'at-once', waits = false }: GuardStart = {},
): Command => {
  const { own, lock } = releasePaths(deployTo);
  const line = JSON.stringify(owner);
  return sh`
${waits ? sh`echo ${WAITING}; read -r x && [ "$x" = go ] || exit 0` : sh``}
trap '' HUP INT TERM PIPE
${claim(deployTo, line, 'beat', again === 'at-once' ? line : NOBODY)}
exec 3<&0 4>> "$new"
mkfifo ${own}/words.$$ || { rm -f ${lock} "$new"; exit 1; }
(
  trap 'kill $!; wait; exit' TERM
  echo here
  while sleep ${tick} & wait $!; do echo tick || exit; date '+beat %s' >&4; done
) </dev/null >${own}/words.$$ 2>/dev/null 3<&- &
ticker=$!
(
  trap - TERM
  echo here
  while IFS= read -r x && printf '%s\n' "$x"; do :; done
  echo gone || kill $ticker
) <&3 >${own}/words.$$ 2>/dev/null 3<&- 4>&- &
reader=$!
exec <${own}/words.$$ 3<&-
read -r x && read -r x
rm -f "$new" ${own}/words.$$
[ "$l" = ${line} ] || discard "$r"
echo held
r='' g=' ' n=0 end=gone
while read -r word value; do
  case $word in
    tick) n=$((n + 1)); [ $n -lt ${patience} ] || { end=silent; break; };;
    alive) n=0;;
    protect) r=$value; echo "protect $r" >&4;;
    begun) g="$g$value ";;
    ended) case $g in *" $value "*) g="\${g%%" $value "*} \${g#*" $value "}";; esac;;
    done) end='done'; break;;
    gone) break;;
  esac
done
[ $end = 'done' ] || kill -0 $$ 2>/dev/null || { kill $ticker $reader 2>/dev/null; wait; exit 1; }
mine() ${isMine(deployTo, line)}
all() { s=1; for p in $g; do { kill -s $1 -- -$p || kill -s $1 $p; } 2>/dev/null && s=0; done; return $s; }
if [ $end != 'done' ] && all TERM; then
  n=0
  while all 0 && [ $n -lt 5 ]; do n=$((n + 1)); sleep 1; done
  all KILL
fi
if [ $end != 'done' ] && mine; then discard "$r"; fi
mine && rm -f ${lock}
kill $ticker
[ $end = gone ] || kill $reader 2>/dev/null
wait
[ $end != silent ] || exit ${SILENT}
exit 0`;
};

/** Takes the lock and leaves it, guarded by nobody, until `breakLock`; prints what `guardLock` does. A lock of this very run's is replaced. */
export const leaveLock = (deployTo: string, owner: LockOwner, run: LockOwner): Command => sh`
trap '' HUP INT TERM
${claim(deployTo, JSON.stringify(owner), 'since', JSON.stringify(run))}
rm -f "$new"
[ "$l" = ${JSON.stringify(run)} ] || discard "$r"
echo held`;

/** Removes the lock if it is this owner's. */
export const giveBackLock = (deployTo: string, owner: LockOwner): Command =>
  sh`${isMine(deployTo, JSON.stringify(owner))} && rm -f ${releasePaths(deployTo).lock}`;

/** Tells whose the lock is, with the host's time, where there is one; nothing otherwise. */
export const showLock = (deployTo: string): Command => {
  const { lock } = releasePaths(deployTo);
  return sh`if [ -f ${lock} ]; then date '+now %s'; cat ${lock}; fi`;
};

/** Removes the lock, whoever holds it, and tells whose it was. */
export const breakLock = (deployTo: string): Command => {
  const { lock } = releasePaths(deployTo);
  return sh`if [ -f ${lock} ]; then date '+now %s'; cat ${lock}; rm -f ${lock} ${lock}.next; fi`;
};

/** Whose lock is not taken over before it is dead: no owner is written like this. */
const NOBODY = '-';

/**
 * Creates the lock or takes it over, and goes on only when it is had; then `$new` is one more name of the file, and `$l`
 * and `$r` are owner and release of the lock before. Whoever takes over links `lock.next` first, which only one can, and
 * then, if the lock is still the one that was dead, renames it onto the lock: one wins, and there is a lock at any time.
 */
const claim = (deployTo: string, line: string, sign: 'beat' | 'since', own: string): Command => {
  const paths = releasePaths(deployTo);
  const { lock } = paths;
  return sh`
new=${paths.own}/lock.$$
[ -d ${paths.own} ] || mkdir -p ${paths.own} || exit 1
${store(sh`{ printf '%s\n' ${line} && date '+${sign} %s'; }`, sh`"$new"`)} || { rm -f "$new"; exit 1; }
look() {
  l='' b='' r=''
  { while IFS= read -r x; do
    case $x in '{'*) l=$x;; 'beat '*) b=\${x#beat };; 'protect '*) r=\${x#protect };; esac
  done < ${lock}; } 2>/dev/null
  [ -f ${lock} ]
}
dead() {
  [ "$l" != ${own} ] || return 0
  case $b in '' | *[!0-9]*) return 1;; esac
  [ $(($(date +%s) - b)) -gt ${DEAD_AFTER} ]
}
report() { date '+now %s'; cat ${lock} 2>/dev/null; s=$?; echo; return $s; }
over() {
  ln "$new" ${lock}.next 2>/dev/null || { sleep 1; return 1; }
  was=$l$b
  look && [ "$l$b" = "$was" ] && report && mv -f ${lock}.next ${lock} && return
  rm -f ${lock}.next
  return 1
}
discard() {
  case $1 in '' | *[!0-9a-z-]*) return;; esac
  [ "$(readlink ${paths.current})" != ${paths.releases}/"$1" ] || return
  rm -rf ${paths.own}/current ${paths.own}/incoming/"$1".tar ${paths.own}/releases/"$1".new ${paths.own}/peer/*.part
  ${markFailed(sh`${paths.releases}/"$1"`, sh`${paths.own}/releases/"$1"`)}
  mv ${paths.releases}/"$1" ${paths.own}/discarded.$$ 2>/dev/null
  [ -d ${paths.releases}/"$1" ] || rm -f ${paths.own}/releases/"$1"
  i=0
  until rm -rf ${paths.own}/discarded.$$ 2>/dev/null; do i=$((i + 1)); [ $i -lt 30 ] || break; sleep 1; done
}
i=0 l='' r=''
until ln "$new" ${lock} 2>/dev/null; do
  i=$((i + 1))
  [ $i -lt 10 ] || { rm -f "$new"; echo 'cannot create '${lock} >&2; exit 1; }
  look || continue
  if ! dead; then report || [ -f ${lock} ] || continue; rm -f "$new"; echo taken; exit 0; fi
  if over; then break; fi
done`;
};

/** Shell words that tell whether the lock is still ours: somebody may have broken it, and another one taken it. */
const isMine = (deployTo: string, line: string): Command =>
  sh`{ read -r x < ${releasePaths(deployTo).lock} && [ "$x" = ${line} ]; } 2>/dev/null`;
