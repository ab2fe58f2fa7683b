import type { PeerAddress } from '#protocol/control.ts';

/**
 * Addresses of neighbours, and when to try each again. An address whose peer turned out to be connected already (it
 * called us first) rests while that lasts; one that refused is tried again after 0.25 s, doubled each time up to 15 s.
 */
export interface AddressBook {
  add(addresses: readonly PeerAddress[]): void;
  /** Up to `count` addresses to dial now; each is taken as in use until `failed`. */
  due(now: number, count: number, isConnected: (peerId: string) => boolean): readonly PeerAddress[];
  /** The peer at an address has told its id. */
  met(address: PeerAddress, peerId: string): void;
  /** The connection could not be made, or has ended after `lived` milliseconds; tries again later. */
  failed(address: PeerAddress, now: number, lived: number): void;
  /** Never try this address again: it is ourselves, it lies, or nothing is left to exchange. */
  strike(address: PeerAddress): void;
}

interface Entry {
  readonly address: PeerAddress;
  state: 'free' | 'dialed' | 'struck';
  peerId: string | undefined;
  failures: number;
  nextAt: number;
}

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 15_000;
const STEADY_MS = 5000;
const MAX_ADDRESSES = 4096;

/** A book without addresses. `random` decides the order of dialing, so that a fleet does not all call the same host. */
export const createAddressBook = (random: () => number): AddressBook => {
  const entries = new Map<string, Entry>();
  const entryOf = (address: PeerAddress): Entry | undefined => entries.get(nameOf(address));

  return {
    add: (addresses) => {
      for (const address of addresses) {
        if (address.port === 0 || entries.has(nameOf(address)) || entries.size >= MAX_ADDRESSES) continue;
        entries.set(nameOf(address), { address, state: 'free', peerId: undefined, failures: 0, nextAt: 0 });
      }
    },
    due: (now, count, isConnected) => {
      const free = [...entries.values()].filter(
        (entry) =>
          entry.state === 'free' && entry.nextAt <= now && !(entry.peerId !== undefined && isConnected(entry.peerId)),
      );
      const chosen = shuffled(free, random).slice(0, Math.max(0, count));
      for (const entry of chosen) entry.state = 'dialed';
      return chosen.map((entry) => entry.address);
    },
    met: (address, peerId) => {
      const entry = entryOf(address);
      if (entry !== undefined) entry.peerId = peerId;
    },
    failed: (address, now, lived) => {
      const entry = entryOf(address);
      if (entry?.state !== 'dialed') return;
      entry.state = 'free';
      if (lived >= STEADY_MS) entry.failures = 0;
      entry.nextAt = now + Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** entry.failures++);
    },
    strike: (address) => {
      const entry = entryOf(address);
      if (entry !== undefined) entry.state = 'struck';
    },
  };
};

const nameOf = ({ host, port }: PeerAddress): string => `${host} ${port}`;

const shuffled = <T>(items: readonly T[], random: () => number): T[] =>
  items
    .map((item) => ({ item, at: random() }))
    .sort((left, right) => left.at - right.at)
    .map(({ item }) => item);
