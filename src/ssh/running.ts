/** The commands that a session waits for, by the process groups in which they run on the host. */
export interface Running {
  /** One more; `giveUp` is called when it is not to be waited for any longer. */
  begin(shared: boolean, giveUp: () => void): Entry;
  /** It has told its group. */
  found(entry: Entry, group: number): void;
  /** Nobody waits for it any longer. */
  forget(entry: Entry): void;
  /** The shell that shared commands run in has told its group, and has ended. */
  enteredShell(group: number): void;
  leftShell(group: number): void;
  /** Ends a command by TERM, then KILL; whatever becomes of it, it is not waited for much longer. */
  stop(entry: Entry): void;
  /** Stops all. */
  interrupt(): void;
  /** Tells of every group, those that run by now among them, and of its end. */
  watch(listener: Watcher): void;
}

export interface Entry {
  /** It runs in the shell of the host. */
  readonly shared: boolean;
  /** It is being ended. */
  stopping: boolean;
}

type Watcher = (group: number, runs: boolean) => void;

interface Known extends Entry {
  /** Its own group, once it has told it. */
  group?: number;
  readonly giveUp: () => void;
}

interface Means {
  /** Sends a signal to a group on the host. */
  readonly send: (group: number, signal: 'TERM' | 'KILL') => void;
  /** Leaves the shell to the command that runs in it: a signal is for its whole group, and may come when the command has ended. */
  readonly leaveShell: () => void;
  /** Whether there is no connection any more: then nobody is told of the end of each. */
  readonly isLost: () => boolean;
}

export const makeRunning = ({ send, leaveShell, isLost }: Means): Running => {
  const entries = new Set<Known>();
  const groups = new Set<number>();
  const watchers: Watcher[] = [];
  let shell: number | undefined;

  const runs = (group: number): void => {
    groups.add(group);
    for (const tell of watchers) tell(group, true);
  };
  const ended = (group: number): void => {
    groups.delete(group);
    if (!isLost()) for (const tell of watchers) tell(group, false);
  };
  const groupOf = (entry: Known) => (entry.shared ? shell : entry.group);
  const end = (entry: Known): void => {
    const group = groupOf(entry);
    if (group === undefined || !entry.stopping) return;
    if (entry.shared) leaveShell();
    send(group, 'TERM');
    setTimeout(() => entries.has(entry) && send(group, 'KILL'), PATIENCE).unref();
  };
  const stop = (entry: Entry): void => {
    const known = entry as Known;
    if (known.stopping) return;
    known.stopping = true;
    end(known);
    setTimeout(() => entries.has(known) && known.giveUp(), PATIENCE + GRACE).unref();
  };
  return {
    begin: (shared, giveUp) => {
      const entry: Known = { shared, stopping: false, giveUp };
      entries.add(entry);
      return entry;
    },
    found: (entry, group) => {
      const known = entry as Known;
      if (!entries.has(known)) {
        if (known.stopping) send(group, 'TERM'); // it was given up before
        return;
      }
      known.group = group;
      runs(group);
      end(known);
    },
    forget: (entry) => {
      const { group } = entry as Known;
      entries.delete(entry as Known);
      if (group !== undefined) ended(group);
    },
    enteredShell: (group) => {
      shell = group;
      runs(group);
      for (const entry of entries) if (entry.shared) end(entry);
    },
    leftShell: (group) => {
      if (shell === group) shell = undefined;
      ended(group);
    },
    stop,
    interrupt: () => {
      for (const entry of entries) stop(entry);
    },
    watch: (listener) => {
      watchers.push(listener);
      for (const group of groups) listener(group, true);
    },
  };
};

/** Milliseconds that a command has to end after TERM. */
const PATIENCE = 5000;

/** Milliseconds from KILL until a command is not waited for any longer: a child that detached itself holds its channel, or a disk hangs. */
const GRACE = 1000;
