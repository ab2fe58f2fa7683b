import type { OnReadOpts, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { PeerAddress } from '#protocol/control.ts';
import { decodeHandshake, encodeHandshake, HANDSHAKE_BYTES, type Handshake } from '#protocol/handshake.ts';
import { encodeMessage, encodePieceHead, type Message } from '#protocol/message.ts';
import { createMessageDecoder } from '#protocol/message-decoder.ts';
import { ProtocolError } from '#protocol/protocol-error.ts';
import { isTls, type Mismatch, type Transport } from './transport.ts';
import type { Turn } from './turn.ts';

/** One connection to a neighbour, from the first byte of the handshake on. */
export interface Connection {
  readonly outgoing: boolean;
  send(message: Message): void;
  /** Sends a block without copying it. `release` is called once, when its bytes are needed no more, sent or not. */
  sendBlock(piece: number, offset: number, block: Uint8Array, release: () => void): void;
  /** Ends the connection at once. `onClose` follows, as it does whatever the reason. */
  close(): void;
}

export interface ConnectionOptions {
  /** What we say first. */
  readonly hello: Handshake;
  readonly transport: Transport;
  readonly turn: Turn;
  /** Longest message taken, bytes. */
  readonly maxMessage: number;
  /** Another peer of this torrent has introduced itself. */
  onHandshake(handshake: Handshake): void;
  /** The bytes of a message are valid only during the call. */
  onMessage(message: Message): void;
  /** So many bytes of blocks have gone to the kernel. */
  onSent(bytes: number): void;
  /** The other end has taken a connection that we made; the handshake is yet to come. */
  onReached(): void;
  /** Called once: with the system's code where the connection failed, and what is known of the other end where it is none of ours. */
  onClose(code?: string, mismatch?: Mismatch): void;
}

/** Connects to a neighbour. */
export const dial = (address: PeerAddress, options: ConnectionOptions): Connection => {
  const wire = createWire(options);
  return wire.attach(options.transport.dial(address, intoOneBuffer(wire.receive)), true);
};

/** Takes over a connection that a neighbour has opened, paused since. */
export const accept = (socket: Duplex, options: ConnectionOptions): Connection => {
  const wire = createWire(options);
  return wire.attach(options.transport.accept(socket, intoOneBuffer(wire.receive)), false);
};

/** Time from the connection attempt to the end of the handshake. */
const HANDSHAKE_MS = 5000;

/** A neighbour that makes us answer and does not read the answers is cut off. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;

/** All sockets read into this one buffer: what is in it has been taken when the callback returns. */
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024);

const intoOneBuffer = (receive: (bytes: Uint8Array) => boolean): OnReadOpts => ({
  buffer: readBuffer,
  callback: (size, memory) => receive(memory.subarray(0, size)),
});

const createWire = (options: ConnectionOptions) => {
  let socket: Duplex;
  let shaken = false;
  const opening = Buffer.alloc(HANDSHAKE_BYTES);
  let opened = 0;
  let reached = false;
  let code: string | undefined;
  let mismatch: Mismatch | undefined;
  const push = createMessageDecoder(options.maxMessage, (message) => {
    if (!socket.destroyed) options.onMessage(message);
  });

  const shake = (bytes: Uint8Array, outgoing: boolean): Uint8Array => {
    const take = Math.min(HANDSHAKE_BYTES - opened, bytes.length);
    opening.set(bytes.subarray(0, take), opened);
    opened += take;
    if (opened === HANDSHAKE_BYTES) {
      const theirs = decodeHandshake(opening);
      if (!options.hello.infoHash.every((byte, i) => byte === theirs.infoHash[i]))
        throw new ProtocolError('other torrent');
      shaken = true;
      if (!outgoing) socket.write(encodeHandshake(options.hello));
      options.onHandshake(theirs);
    }
    return bytes.subarray(take);
  };

  const receive = (bytes: Uint8Array): boolean => {
    options.turn.took(bytes.length);
    try {
      const rest = shaken ? bytes : shake(bytes, outgoing);
      if (rest.length > 0 && !socket.destroyed) push(rest);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (!shaken && isTls(opening)) mismatch = 'encrypted';
      socket.destroy();
    }
    return true;
  };

  /** The other end is over before it has said a word. */
  const hungUp = (): void => {
    if (reached && opened === 0) mismatch ??= 'hung-up';
  };

  let outgoing = false;
  const attach = (attached: Duplex, isOutgoing: boolean): Connection => {
    socket = attached;
    outgoing = isOutgoing;
    if ('setNoDelay' in socket) (socket as Socket).setNoDelay(true);
    const timer = setTimeout(() => shaken || socket.destroy(), HANDSHAKE_MS);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      code = error.code;
      mismatch ??= options.transport.mismatchOf(code);
      hungUp();
      socket.destroy();
    });
    socket.on('end', () => {
      hungUp();
      socket.destroy();
    });
    socket.once('close', () => {
      clearTimeout(timer);
      options.onClose(code, mismatch);
    });
    if (outgoing) {
      socket.once('connect', () => {
        reached = true;
        options.onReached();
      });
      socket.once(options.transport.opened, () => socket.write(encodeHandshake(options.hello)));
    }
    return { outgoing, ...createSender(socket, options), close: () => void socket.destroy() };
  };
  return { receive, attach };
};

/**
 * Joins what is sent in one turn of the event loop into few large writes. News of a piece waits until the turn after it: it
 * matters little within milliseconds, and something else to send has often come by then.
 */
const createSender = (socket: Duplex, { turn, onSent }: ConnectionOptions): Pick<Connection, 'send' | 'sendBlock'> => {
  let small: Uint8Array[] = [];
  let soon = false; // all of it is written at the end of this turn
  let later = false; // and at that of the next

  const writeSmall = (): void => {
    if (small.length > 0) socket.write(small.length === 1 ? (small[0] as Uint8Array) : Buffer.concat(small));
    small = [];
  };
  const writeSoon = (): void => {
    if (soon) return;
    soon = true;
    socket.cork();
    turn.atEnd(() => {
      soon = false;
      writeSmall();
      socket.uncork();
      if (socket.writableLength > MAX_UNREAD_BYTES) socket.destroy();
    });
  };
  const writeLater = (): void => {
    if (soon || later) return;
    later = true;
    turn.atNextEnd(() => {
      later = false;
      writeSmall();
    });
  };
  return {
    send: (message) => {
      if (socket.destroyed) return;
      small.push(encodeMessage(message));
      if (message.type === 'have') writeLater();
      else writeSoon();
    },
    sendBlock: (piece, offset, block, release) => {
      if (socket.destroyed) {
        release();
        return;
      }
      writeSoon();
      small.push(encodePieceHead(piece, offset, block.length));
      writeSmall();
      socket.write(block, (error) => {
        release();
        if (!error) onSent(block.length);
      });
    },
  };
};
