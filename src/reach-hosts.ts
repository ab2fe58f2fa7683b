import type { Config } from '#config/config.ts';
import type { Inventory } from '#inventory/host.ts';
import type { DeployFact, Emit } from '#protocol/events.ts';
import type { Ask } from '#recipe/setting.ts';
import { type OpenedSessions, openSessions } from '#ssh/open-sessions.ts';
import { openTransport, type TransportRequest } from '#ssh/transport.ts';
import type { Endings } from './endings.ts';

export interface ReachRequest extends Pick<TransportRequest, 'env' | 'path'> {
  readonly config: Pick<Config, 'ssh'>;
  readonly inventory: Inventory;
  /** Absent: nobody is asked for passphrases and passwords. */
  readonly ask: Ask | undefined;
  readonly emit: Emit;
  readonly endings: Endings;
  readonly signal: AbortSignal;
}

export interface ReachedHosts {
  /** Resolves when every host was logged in to or has failed; from now on events are told. @throws UserError where this machine has not what it takes */
  opened(): Promise<OpenedSessions>;
}

/**
 * Logs in to the hosts while the source is looked up: one waits for the hosts, the other for git, and neither needs the
 * other. Until the source is known nothing is told, nobody is asked, and nothing runs on a host; where there is none, all ends
 * as if no host had been there.
 */
export const reachHosts = (
  { config, inventory, endings, ...request }: ReachRequest,
  source: Promise<unknown>,
): ReachedHosts => {
  const held: DeployFact[] = [];
  let told = false;
  const emit: Emit = (fact) => (told ? request.emit(fact) : void held.push(fact));
  const over = new AbortController();
  const signal = AbortSignal.any([request.signal, over.signal]);
  const opening = openTransport({ ...request, ssh: config.ssh, emit, mayAsk: source }).then(async (transport) => ({
    transport,
    opened: await openSessions(inventory, transport, emit, signal),
  }));
  source.catch(() => over.abort());
  endings.add(async () => {
    over.abort();
    const reached = await opening.catch(() => undefined); // told to whoever waits for the hosts
    await reached?.opened.close();
    await reached?.transport.close();
  });
  return {
    opened: async () => {
      told = true;
      for (const fact of held.splice(0)) request.emit(fact);
      return (await opening).opened;
    },
  };
};
