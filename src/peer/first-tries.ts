import type { PeerAddress, PeerReport, Unreachable } from '#protocol/control.ts';

/**
 * Tells of neighbours that cannot be reached, each address once: when the first try was refused, or when nobody has
 * answered for PATIENCE_MS. A firewall that drops packets says nothing at all, and the try itself goes on for longer.
 */
export interface FirstTries {
  /** Addresses to tell of; of others nobody wants to know. */
  watch(addresses: readonly PeerAddress[]): void;
  begun(address: PeerAddress): void;
  /** The address takes connections. */
  reached(address: PeerAddress): void;
  /** The try has ended; `code` is the system's. Of no matter after `reached`. */
  ended(address: PeerAddress, code: string | undefined): void;
  stop(): void;
}

/** The first packet is sent again after a second: so long, and an answer to that one. */
const PATIENCE_MS = 1250;

/** No tries yet. */
export const createFirstTries = (tell: (report: PeerReport) => void): FirstTries => {
  const watched = new Map<string, NodeJS.Timeout | 'untried' | 'known'>();

  const settle = (address: PeerAddress, reason: Unreachable | undefined): void => {
    const state = watched.get(nameOf(address));
    if (state === undefined || state === 'known') return;
    if (state !== 'untried') clearTimeout(state);
    watched.set(nameOf(address), 'known');
    if (reason !== undefined) tell({ kind: 'unreachable', ...address, reason });
  };

  return {
    watch: (addresses) => {
      for (const address of addresses) if (!watched.has(nameOf(address))) watched.set(nameOf(address), 'untried');
    },
    begun: (address) => {
      if (watched.get(nameOf(address)) !== 'untried') return;
      watched.set(
        nameOf(address),
        setTimeout(() => settle(address, 'silent'), PATIENCE_MS),
      );
    },
    reached: (address) => settle(address, undefined),
    ended: (address, code) => settle(address, reasonOf(code)),
    stop: () => {
      for (const state of watched.values()) if (typeof state === 'object') clearTimeout(state);
      watched.clear();
    },
  };
};

const nameOf = ({ host, port }: PeerAddress): string => `${host} ${port}`;

const reasonOf = (code: string | undefined): Unreachable => {
  if (code === 'ECONNREFUSED' || code === 'EPERM' || code === 'EACCES') return 'refused';
  return code === 'EHOSTUNREACH' || code === 'ENETUNREACH' || code === 'EADDRNOTAVAIL' ? 'no-route' : 'silent';
};
