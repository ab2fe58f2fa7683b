import type { OnReadOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect, createSecureContext, TLSSocket, type TLSSocketOptions } from 'node:tls';
import type { Mismatch, Transport } from './transport.ts';

/**
 * TLS 1.3 with a pre-shared key and a fresh key exchange a connection (RFC 8446, 2.2: psk_dhe_ke). Who has the key is a member, and
 * nobody else: there are no certificates, and one that was shown would not be looked at. What was recorded stays closed
 * should the key become known later. Node has it from version 18 on.
 */
export const encryptedTransport = (key: Uint8Array): Transport => {
  const psk = Buffer.from(key);
  const secureContext = createSecureContext({
    ...{ minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' },
    ...{ ecdhCurve: 'X25519:P-256', ca: [] },
  });
  const ours = {
    ...{ secureContext, isServer: true },
    pskCallback: (_: TLSSocket, identity: string) => (identity === IDENTITY ? psk : null),
  } as unknown as TLSSocketOptions; // the types know the key of a `tls.Server` only
  return {
    dial: (address, onread) =>
      connect({
        ...{ ...address, secureContext, onread },
        pskCallback: () => ({ psk, identity: IDENTITY }),
        checkServerIdentity: () => new Error('it shows a certificate, and has not the key'),
      }),
    accept: (stream, onread) => takeOver(stream, ours, onread) ?? wrap(stream, ours, onread),
    opened: 'secureConnect',
    mismatchOf: (code) => MISMATCHES[code ?? ''],
  };
};

/** Says which kind of key it is, not which: an observer learns nothing that would tell one swarm from another. */
const IDENTITY = 'rookery 1';

/** The alert for a key that does not fit is another one from OpenSSL 3.2 on. */
const MISMATCHES: Readonly<Record<string, Mismatch>> = {
  ERR_SSL_BINDER_DOES_NOT_VERIFY: 'other-key',
  ERR_SSL_SSLV3_ALERT_ILLEGAL_PARAMETER: 'other-key',
  ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR: 'other-key',
  ERR_SSL_WRONG_VERSION_NUMBER: 'plain',
};

interface Handle {
  readonly _parent?: object;
}

/** A TLSSocket on a handle that is given as an option: Node makes a new one wherever no socket is given. */
class HandleTls extends TLSSocket {
  /** Called by Node while it makes the socket. */
  _wrapHandle(wrap: unknown, handle: unknown, ...more: unknown[]): unknown {
    const { _tlsOptions } = this as unknown as { _tlsOptions?: { taken: unknown } };
    return wrapHandle!.call(this, wrap, handle ?? _tlsOptions?.taken, ...more);
  }
}

const wrapHandle = (TLSSocket.prototype as unknown as { _wrapHandle?: (...args: unknown[]) => unknown })._wrapHandle;

/**
 * As `readAccepted` does: Node reads through `onread` only from sockets that it has dialled, and gives every 16 KiB of all others
 * new memory, which takes two thirds more processor time on this side. A Node without these fields gets the usual way.
 */
const takeOver = (stream: Duplex, options: TLSSocketOptions, onread: OnReadOpts): Duplex | undefined => {
  const holder = stream as unknown as { _handle?: object | null };
  const handle = holder._handle;
  if (typeof handle !== 'object' || handle === null || wrapHandle === undefined) return undefined;
  holder._handle = null;
  const socket = new HandleTls(undefined as never, { ...options, taken: handle, onread } as TLSSocketOptions);
  if ((socket as unknown as { _handle: Handle })._handle?._parent !== handle) {
    holder._handle = handle;
    socket.destroy();
    return undefined;
  }
  (socket as { connecting: boolean }).connecting = false; // it has been all along
  stream.destroy();
  return socket;
};

const wrap = (stream: Duplex, options: TLSSocketOptions, onread: OnReadOpts): Duplex => {
  const socket = new TLSSocket(stream as never, options);
  return socket.on('data', (bytes: Buffer) => onread.callback(bytes.length, bytes));
};
