/** Whose a lock is: the first line of its file, as JSON. */
export interface LockOwner {
  readonly by: string;
  readonly machine: string;
  readonly at: string;
  readonly task: string;
  /** Unlike every other run's. */
  readonly id: string;
  /** Why the hosts are locked: locks that stay until deploy:unlock have one, if only an empty one. */
  readonly message?: string;
}

/** A lock as it was found on a host. Seconds are by that host's own clock. */
export interface FoundLock {
  /** Absent where the file does not tell. */
  readonly owner?: LockOwner;
  /** Seconds since it was taken. */
  readonly age?: number;
  /** Seconds since its guard's last sign of life. A lock without any stays until deploy:unlock. */
  readonly silence?: number;
  /** The release that its deployer had not published yet. */
  readonly release?: string;
}

/** Reads a lock file, preceded by what the host's clock says; lines that are none of ours are passed over. */
export const parseLock = (text: string): FoundLock => {
  const lines = text.split('\n');
  const after = (word: string) => lines.flatMap((line) => line.match(`^${word} (\\d+)$`)?.[1] ?? []);
  const [now, began, beat] = [after('now').at(-1), after('since')[0] ?? after('beat')[0], after('beat').at(-1)];
  const ago = (then: string | undefined) =>
    now === undefined || then === undefined ? undefined : Math.max(0, Number(now) - Number(then));
  return defined({
    owner: lines.map(parseOwner).find((owner) => owner !== undefined),
    age: ago(began),
    silence: ago(beat),
    release: after('protect').at(-1),
  });
};

/** "alice on laptop since 2026-11-23 09:30:00 UTC, 12 minutes ago (deploy)", for messages. */
export const describeLock = ({ owner, age }: FoundLock): string => {
  if (!owner) return 'somebody unknown';
  const since = `${owner.by} on ${owner.machine} since ${owner.at.slice(0, 19).replace('T', ' ')} UTC`;
  const ago = age === undefined ? '' : `, ${inWords(age)} ago`;
  return `${since}${ago} (${owner.task})${owner.message ? `: ${owner.message}` : ''}`;
};

/** Whether nobody will give the lock back by himself. */
export const isLasting = ({ silence }: FoundLock): boolean => silence === undefined;

/** "1 second", "12 minutes", "3 days": the largest unit that is filled. */
export const inWords = (seconds: number): string => {
  const [unit, length] = UNITS.find(([, size]) => seconds >= size) ?? ['second', 1];
  const count = Math.floor(seconds / length);
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
};

const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const;

const parseOwner = (line: string): LockOwner | undefined => {
  try {
    const value = JSON.parse(line) as Readonly<Record<string, unknown>> | null;
    const whole = ['by', 'machine', 'at', 'task', 'id'].every((key) => typeof value?.[key] === 'string');
    return whole ? (value as unknown as LockOwner) : undefined;
  } catch {
    return undefined;
  }
};

const defined = (found: { [key in keyof FoundLock]: FoundLock[key] | undefined }): FoundLock =>
  Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
