import { setMaxListeners } from 'node:events';
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

export interface ReachedHosts<S> {
  readonly source: Promise<S>;
  /** Resolves when every host was logged in to or has failed; from now on events are told. @throws UserError where this machine has not what it takes */
  opened(): Promise<OpenedSessions>;
}

/**
 * Logs in to the hosts while the source is looked up: one waits for the hosts, the other for git, and neither needs the
 * other. The hosts come first by a little, since starting git keeps this process busy and sshd takes its time to greet.
 * Until the source is known nothing is told, nobody is asked, and nothing runs on a host; where there is none, all ends as if
 * no host had been there.
 */
export const reachHosts = <S>(
  { config, inventory, endings, ...request }: ReachRequest,
  findSource: () => Promise<S>,
): ReachedHosts<S> => {
  const held: DeployFact[] = [];
  let told = false;
  const emit: Emit = (fact) => (told ? request.emit(fact) : void held.push(fact));
  const over = new AbortController();
  const signal = AbortSignal.any([request.signal, over.signal]);
  setMaxListeners(0, signal); // each host listens
  let dialled = () => {};
  const begun = new Promise<void>((resolve) => {
    dialled = () => setImmediate(resolve); // after those that are dialled in the same moment
    setTimeout(resolve, HEAD_START); // a login that waits for the source, before it asks, dials nobody
  });
  const source = begun.then(findSource);
  source.catch(() => over.abort());
  const transport = openTransport({ ...request, ssh: config.ssh, emit, dialled, mayAsk: source });
  const opening = transport.then((opened) => openSessions(inventory, opened, emit, signal));
  opening.catch(() => {}); // told to whoever waits for the hosts
  endings.add(async () => {
    over.abort();
    const none = () => {}; // whoever waits for the hosts is told
    await opening.then(({ close }) => close(), none);
    await transport.then(({ close }) => close(), none);
  });
  return {
    source,
    opened: () => {
      told = true;
      for (const fact of held.splice(0)) request.emit(fact);
      return opening;
    },
  };
};

/** Milliseconds. */
const HEAD_START = 30;
