import type { Host, Inventory } from '#inventory/host.ts';
import type { Emit, HostError } from '#protocol/events.ts';
import { withAddresses } from './addresses.ts';
import { ConnectFailed } from './connect-failed.ts';
import { type LastingSession, makeLastingSession } from './lasting-session.ts';
import { makeSession, type Session } from './session.ts';
import type { Transport } from './transport.ts';
import { wayTo } from './where.ts';

export interface OpenedSessions {
  readonly sessions: readonly LastingSession[];
  readonly failures: readonly { readonly host: string; readonly error: HostError }[];
  close(): Promise<void>;
}

/** Connects to every host at once, in groups so that a thousand handshakes do not starve each other. A host that fails is a value. */
export const openSessions = async (
  inventory: Inventory,
  transport: Transport,
  emit: Emit,
  signal: AbortSignal,
): Promise<OpenedSessions> => {
  const sessions: LastingSession[] = [];
  const failures: OpenedSessions['failures'][number][] = [];
  const waiting = [...inventory];
  tellUnsupported(inventory, emit);
  const work = async () => {
    for (let host = waiting.shift(); host !== undefined; host = waiting.shift()) {
      const opened = await openSession(host, transport, signal);
      if (opened.error) {
        failures.push({ host: host.name, error: opened.error });
        emit({ type: 'host-failed', host: host.name, error: opened.error });
      } else {
        const again = (stop: AbortSignal) => connectTo(host, transport, stop);
        sessions.push(makeLastingSession(opened.session, { open: again, emit, signal }));
        emit({ type: 'host-connected', host: host.name, seconds: opened.seconds });
      }
    }
  };
  await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, work));
  transport.askNoMore(); // who comes back later is logged in with what is known by now
  const order = new Map(inventory.map((host, index) => [host.name, index]));
  sessions.sort((a, b) => (order.get(a.host.name) ?? 0) - (order.get(b.host.name) ?? 0));
  return {
    sessions,
    failures,
    close: async () => void (await Promise.all(sessions.map((session) => session.close()))),
  };
};

/** What ssh_config asks for and is not done is said once, whatever the number of hosts. */
const tellUnsupported = (inventory: Inventory, emit: Emit): void => {
  const found = inventory.flatMap((host) => wayTo(host)).flatMap(({ ssh }) => ssh.unsupported);
  const said = new Set(found.map(({ name, from }) => `${name} (${from})`));
  const way = found.some(({ byOpenSsh }) => byOpenSsh) ? `; ssh: { transport: 'openssh' } does` : '';
  if (said.size === 0) return;
  const message = `ssh_config sets what Rookery does not do: ${[...said].join(', ')}${way}`;
  emit({ type: 'notice', level: 'warning', message });
};

const CONNECTING_AT_ONCE = 48;

type Opened =
  | { readonly session: Session; readonly seconds: number; readonly error?: never }
  | { readonly error: HostError };

const connectTo = async (host: Host, transport: Transport, signal: AbortSignal): Promise<Session> =>
  makeSession(host, await withAddresses(await transport.connect(host, signal)));

const openSession = async (host: Host, transport: Transport, signal: AbortSignal): Promise<Opened> => {
  const begun = performance.now();
  try {
    const session = await connectTo(host, transport, signal);
    return { session, seconds: (performance.now() - begun) / 1000 };
  } catch (error) {
    const code = error instanceof ConnectFailed ? error.code : 'connect';
    return { error: { code, message: (error as Error).message, task: 'connect' } };
  }
};
