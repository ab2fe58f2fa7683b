import type { Host } from '#inventory/host.ts';
import type { Emit } from '#protocol/events.ts';
import { CommandFailed, type Remote } from '#recipe/remote.ts';
import { ConnectFailed } from './connect-failed.ts';
import { reconnect } from './reconnect.ts';
import type { Session } from './session.ts';

/** A session that outlives its connection. */
export interface LastingSession extends Session {
  /** Sets what has to hold before a run goes on with the host after its connection was lost. @default nothing */
  onReturn(returning: Returning): void;
}

export interface Returning {
  /** Whether the run can go on there at all: asked before anybody waits. */
  possible(): boolean;
  /** What is done before the next command, unless the signal ends it. @throws CommandFailed where the run cannot go on after all */
  prepare(fresh: Remote, signal: AbortSignal): Promise<void>;
}

interface Lasting {
  /** Connects and logs in anew. @throws ConnectFailed */
  readonly open: (signal: AbortSignal) => Promise<Session>;
  readonly emit: Emit;
  /** The run is to end: nobody waits any longer, but what puts things right tries once. */
  readonly signal: AbortSignal;
}

/**
 * The same host over one connection after the other. A command that ran when the connection was lost has failed, for
 * nobody knows how far it came; it is never run again. The next one waits until the host is back, for
 * `ssh.reconnectTimeout` seconds, where what the run had there is still there. Then it fails, and so do those after it, at once.
 */
export const makeLastingSession = (first: Session, { open, emit, signal }: Lasting): LastingSession => {
  const { host } = first;
  const { reconnectTimeout } = host.ssh;
  const watchers: Parameters<Remote['watch']>[0][] = [];
  const closing = new AbortController();
  let returning: Returning = { possible: () => true, prepare: async () => {} };
  let inner = first;
  let lost = false;
  let back: Promise<void> | undefined;

  const use = (session: Session): void => {
    inner = session;
    lost = false;
    back = undefined;
    for (const listener of watchers) session.watch(listener);
    void session.lost.then(() => {
      if (session === inner) lost = true;
    });
  };
  const comeBack = async (): Promise<void> => {
    const begun = performance.now();
    const tell = (level: 'info' | 'warning', message: string) =>
      emit({ type: 'notice', level, message, host: host.name });
    tell('warning', `connection lost, waiting up to ${reconnectTimeout} s for the host to come back`);
    const openReady = async (stop: AbortSignal): Promise<Session> => {
      const fresh = await open(stop);
      try {
        await returning.prepare(fresh, stop);
        return fresh;
      } catch (error) {
        await fresh.close();
        throw error;
      }
    };
    const patience = { seconds: reconnectTimeout, signal, closing: closing.signal };
    const fresh = await reconnect(openReady, patience).catch((error) => {
      throw notBack(host, error, signal);
    });
    use(fresh);
    tell('info', `connected again after ${Math.round((performance.now() - begun) / 1000)} s`);
  };
  /** Where the wait is ended by the run's end, what puts things right may try once more, and nothing else begins. */
  const comeBackUnlessEnded = async (): Promise<void> => {
    const ended = signal.aborted;
    const isEnded = () => !ended && signal.aborted;
    await comeBack().catch((error) => {
      if (isEnded()) back = undefined;
      throw error;
    });
    if (isEnded()) throw new CommandFailed(host.name, { code: 'interrupted', message: 'interrupted' });
  };
  /** The session to begin something on; where there is no connection and none is to come, one that says so. */
  const current = async (): Promise<Session> => {
    const stays = !lost || closing.signal.aborted || reconnectTimeout === 0 || (!back && !returning.possible());
    if (stays) return inner;
    back ??= comeBackUnlessEnded();
    await back;
    return inner;
  };
  const close = async (): Promise<void> => {
    closing.abort();
    await inner.close();
  };

  use(first);
  return {
    host,
    get addresses() {
      return inner.addresses;
    },
    get lost() {
      return inner.lost;
    },
    run: async (...args) => (await current()).run(...args),
    spawn: async (...args) => (await current()).spawn(...args),
    read: async (...args) => (await current()).read(...args),
    write: async (...args) => (await current()).write(...args),
    sendFile: async (...args) => (await current()).sendFile(...args),
    forward: (accept) => inner.forward(accept),
    watch: (listener) => {
      watchers.push(listener);
      inner.watch(listener);
    },
    onReturn: (wanted) => {
      returning = wanted;
    },
    enterShell: () => inner.enterShell(),
    leaveShell: () => inner.leaveShell(),
    interrupt: () => inner.interrupt(),
    close,
  };
};

const notBack = ({ name, ssh }: Host, error: unknown, { aborted }: AbortSignal): unknown => {
  if (!(error instanceof ConnectFailed)) return error;
  const what = aborted
    ? 'was not back when the run was to end'
    : `did not come back within ${ssh.reconnectTimeout} s (ssh.reconnectTimeout)`;
  return new CommandFailed(name, {
    code: error.code === 'host-key' ? error.code : 'connection-lost',
    message: `the connection was lost, and the host ${what}: ${error.message}`,
  });
};
