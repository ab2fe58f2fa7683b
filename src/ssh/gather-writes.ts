import type { Duplex } from 'node:stream';

/**
 * Sends what is written in one go together. ssh2 writes the length, the body and the MAC of every packet apart: on a socket
 * without Nagle's delay that is three segments, three calls of the kernel and three times that sshd wakes up.
 */
export const gatherWrites = (stream: Duplex): void => {
  const { write } = stream;
  let gathering = false;
  const send = () => {
    gathering = false;
    stream.uncork();
  };
  stream.write = (...written: unknown[]) => {
    if (!gathering) {
      gathering = true;
      stream.cork();
      queueMicrotask(send);
    }
    return Reflect.apply(write, stream, written);
  };
};
