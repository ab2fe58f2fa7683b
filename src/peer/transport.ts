import { connect, type OnReadOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import type { PeerAddress } from '#protocol/control.ts';
import { readAccepted } from './accepted-socket.ts';

/** How the bytes of a connection travel: as they are, or so that only who has the swarm's key can take part. */
export interface Transport {
  dial(address: PeerAddress, onread: OnReadOpts): Duplex;
  /** Takes over what a neighbour has opened, paused since. */
  accept(stream: Duplex, onread: OnReadOpts): Duplex;
  /** Event of a dialled connection after which bytes can be sent. */
  readonly opened: 'connect' | 'secureConnect';
  /** What the code of a connection's error tells of the other end. */
  mismatchOf(code: string | undefined): Mismatch | undefined;
}

/**
 * Why there is no speaking with a neighbour: it has another key, it does not encrypt and we do, it does and we do not, or it
 * takes connections and ends them without a word, which may be either of these, or a swarm of something else.
 */
export type Mismatch = 'other-key' | 'plain' | 'encrypted' | 'hung-up';

/** BitTorrent as everybody speaks it. */
export const plainTransport: Transport = {
  dial: (address, onread) => connect({ ...address, onread }),
  accept: readAccepted,
  opened: 'connect',
  mismatchOf: () => undefined,
};

/** The transport of a swarm with this key, or of one that is open. TLS is loaded where there is a key alone: that takes time. */
export const transportOf = async (key: Uint8Array | undefined): Promise<Transport> =>
  key === undefined ? plainTransport : (await import('./encrypted-transport.ts')).encryptedTransport(key);

/** Whether the first byte of a connection is that of a TLS handshake (RFC 8446, 5.1): somebody who encrypts. */
export const isTls = (bytes: Uint8Array): boolean => bytes[0] === 22;
