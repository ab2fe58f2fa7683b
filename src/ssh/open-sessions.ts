import type { Host, Inventory } from '#inventory/host.ts';
import type { Emit, HostError } from '#protocol/events.ts';
import type { Ask } from '#recipe/setting.ts';
import { withAddresses } from './addresses.ts';
import { type Connect, makeConnect } from './connect.ts';
import { ConnectFailed } from './connect-failed.ts';
import { makeSecrets } from './keys.ts';
import { makeSession, type Session } from './session.ts';
import { wayTo } from './where.ts';

export interface OpenedSessions {
  readonly sessions: readonly Session[];
  readonly failures: readonly { readonly host: string; readonly error: HostError }[];
  close(): Promise<void>;
}

/** Connects to every host at once, in groups so that a thousand handshakes do not starve each other. A host that fails is a value. Without `ask` nobody is asked for passphrases and passwords. */
export const openSessions = async (
  inventory: Inventory,
  emit: Emit,
  signal: AbortSignal,
  ask?: Ask,
): Promise<OpenedSessions> => {
  const sessions: Session[] = [];
  const failures: OpenedSessions['failures'][number][] = [];
  const waiting = [...inventory];
  const { connect, close } = makeConnect(makeSecrets(ask));
  tellUnsupported(inventory, emit);
  const work = async () => {
    for (let host = waiting.shift(); host !== undefined; host = waiting.shift()) {
      const opened = await openSession(host, connect, signal);
      if (opened.error) {
        failures.push({ host: host.name, error: opened.error });
        emit({ type: 'host-failed', host: host.name, error: opened.error });
      } else {
        sessions.push(opened.session);
        emit({ type: 'host-connected', host: host.name, seconds: opened.seconds });
      }
    }
  };
  await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, work));
  const order = new Map(inventory.map((host, index) => [host.name, index]));
  sessions.sort((a, b) => (order.get(a.host.name) ?? 0) - (order.get(b.host.name) ?? 0));
  return {
    sessions,
    failures,
    close: async () => {
      await Promise.all(sessions.map((session) => session.close()));
      close();
    },
  };
};

/** What ssh_config asks for and is not done is said once, whatever the number of hosts. */
const tellUnsupported = (inventory: Inventory, emit: Emit): void => {
  const said = new Set(
    inventory
      .flatMap((host) => wayTo(host))
      .flatMap(({ ssh }) => ssh.unsupported.map(({ name, from }) => `${name} (${from})`)),
  );
  if (said.size > 0)
    emit({
      type: 'notice',
      level: 'warning',
      message: `ssh_config sets what Rookery does not do: ${[...said].join(', ')}`,
    });
};

const CONNECTING_AT_ONCE = 48;

type Opened =
  | { readonly session: Session; readonly seconds: number; readonly error?: never }
  | { readonly error: HostError };

const openSession = async (host: Host, connect: Connect, signal: AbortSignal): Promise<Opened> => {
  const begun = performance.now();
  try {
    const session = makeSession(host, await withAddresses(await connect(host, signal)));
    return { session, seconds: (performance.now() - begun) / 1000 };
  } catch (error) {
    const code = error instanceof ConnectFailed ? error.code : 'connect';
    return { error: { code, message: (error as Error).message, task: 'connect' } };
  }
};
