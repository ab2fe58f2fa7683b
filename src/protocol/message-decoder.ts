import { decodeMessage, type Message, readUint32 } from './message.ts';
import { ProtocolError } from './protocol-error.ts';

/** Takes the bytes of a connection in any portions. @throws ProtocolError; the connection is then of no more use. */
export type PushBytes = (chunk: Uint8Array) => void;

/**
 * Cuts a stream into messages. Most messages lie whole in one chunk and are read there, without a copy; only one that
 * crosses a chunk's border is put together first, in memory that is used again for the next one. The bytes of a
 * message (block, bits) are therefore valid only during the call of `onMessage`.
 * `maxBytes` bounds a message without its length prefix; messages with unknown ids are skipped.
 */
export const createMessageDecoder = (maxBytes: number, onMessage: (message: Message) => void): PushBytes => {
  let partial = new Uint8Array(64);
  let filled = 0; // bytes of `partial` in use: a whole or part of a length prefix, then of its message

  const emit = (bytes: Uint8Array): void => {
    const message = decodeMessage(bytes);
    if (message !== undefined) onMessage(message);
  };

  const lengthAt = (bytes: Uint8Array, at: number): number => {
    const length = readUint32(bytes, at);
    if (length > maxBytes) throw new ProtocolError(`message: ${length} bytes, at most ${maxBytes} are taken`);
    return length;
  };

  /** Takes bytes into `partial` until it holds `goal`; true when it does. */
  const fill = (chunk: Uint8Array, from: number, goal: number): boolean => {
    if (goal > partial.length) partial = grown(partial, filled, goal);
    const take = Math.min(goal - filled, chunk.length - from);
    partial.set(chunk.subarray(from, from + take), filled);
    filled += take;
    return filled === goal;
  };

  /** Completes the message begun in an earlier chunk; returns where the next one starts. */
  const finishPartial = (chunk: Uint8Array): number => {
    let at = 0;
    if (filled < PREFIX) {
      const before = filled;
      if (!fill(chunk, 0, PREFIX)) return chunk.length;
      at = PREFIX - before;
    }
    const end = PREFIX + lengthAt(partial, 0);
    const before = filled;
    if (filled < end && !fill(chunk, at, end)) return chunk.length;
    at += end - before;
    filled = 0;
    emit(partial.subarray(PREFIX, end));
    return at;
  };

  return (chunk) => {
    let at = filled === 0 ? 0 : finishPartial(chunk);
    while (chunk.length - at >= PREFIX) {
      const end = at + PREFIX + lengthAt(chunk, at);
      if (end > chunk.length) break;
      emit(chunk.subarray(at + PREFIX, end));
      at = end;
    }
    if (at < chunk.length) fill(chunk, at, filled + chunk.length - at);
  };
};

const PREFIX = 4;

const grown = (bytes: Uint8Array, used: number, size: number): Uint8Array<ArrayBuffer> => {
  const larger = new Uint8Array(Math.max(size, bytes.length * 2));
  larger.set(bytes.subarray(0, used));
  return larger;
};
