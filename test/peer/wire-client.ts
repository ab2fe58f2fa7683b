import { once } from 'node:events';
import { connect } from 'node:net';
import { decodeHandshake, encodeHandshake, HANDSHAKE_BYTES, type Handshake } from '#protocol/handshake.ts';
import { encodeMessage, type Message } from '#protocol/message.ts';
import { createMessageDecoder } from '#protocol/message-decoder.ts';

/** The other end of a connection to a peer, without any behaviour of its own. */
export interface WireClient {
  /** What the peer said of itself. */
  readonly handshake: Handshake;
  /** Resolves with all messages up to the first one of this type. */
  until(type: Message['type']): Promise<readonly Message[]>;
  send(message: Message): void;
  close(): void;
}

/** Calls a peer on 127.0.0.1 and exchanges handshakes. */
export const callPeer = async (port: number, hello: Handshake): Promise<WireClient> => {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(encodeHandshake(hello));
  const messages: Message[] = [];
  let look = (): void => {};
  const push = createMessageDecoder(1024 * 1024, (message) => void messages.push(structuredClone(message)));
  const first: Buffer = await new Promise((resolve) => {
    const read = (): void => {
      const bytes = socket.read(HANDSHAKE_BYTES) as Buffer | null;
      if (bytes === null) return;
      socket.off('readable', read);
      resolve(bytes);
    };
    socket.on('readable', read);
  });
  socket.on('data', (bytes) => {
    push(bytes);
    look();
  });
  return {
    handshake: decodeHandshake(first),
    until: (type) =>
      new Promise((resolve, reject) => {
        look = () => void (messages.some((message) => message.type === type) && resolve(messages));
        socket.once('close', () => reject(new Error(`closed before ${type}`)));
        look();
      }),
    send: (message) => void socket.write(encodeMessage(message)),
    close: () => void socket.destroy(),
  };
};
