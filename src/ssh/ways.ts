import type { Target } from '#inventory/host.ts';

/**
 * Leads to targets over those on the way, each of which is logged in to once, and again when it was lost.
 * @param logIn where `via` is given, through it
 * @param ended resolves when a connection has ended
 */
export const makeWays = <C>(
  logIn: (target: Target, via: C | undefined, signal: AbortSignal) => Promise<C>,
  ended: (connection: C) => Promise<unknown>,
) => {
  const gates = new Map<string, Promise<C>>();
  const left = new Set<string>(); // gates that were logged in to and lost
  const connect = async (target: Target, signal: AbortSignal): Promise<C> => {
    const { via } = target.ssh;
    return logIn(target, via && (await enter(via, signal)), signal);
  };
  const enter = (gate: Target, signal: AbortSignal): Promise<C> => {
    const key = wayOf(gate);
    const known = gates.get(key);
    if (known) return known;
    const opening = connect(gate, signal);
    gates.set(key, opening);
    const forget = () => {
      gates.delete(key);
      left.add(key);
    };
    opening.then(
      (connection) => void ended(connection).then(forget),
      () => left.has(key) && forget(), // who was there before may come back; who never was is told of once
    );
    return opening;
  };
  return {
    connect,
    /** Those on the way that are logged in to. */
    entered: async (): Promise<C[]> => {
      const settled = await Promise.allSettled(gates.values());
      return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    },
  };
};

/** Every login on the way, for hosts that share it. */
const wayOf = ({ user, address, port, ssh }: Target): string =>
  `${ssh.via ? `${wayOf(ssh.via)} ` : ''}${user}@${address}:${port} ${ssh.proxyCommand ?? ''}`;
