/**
 * The output side of a channel. ssh2 has one place for "waiting for window" that stdout and stderr share, and it keeps
 * the chunk that waited there after it was sent: with both streams busy, the next window adjustment sends it again.
 * So the two take turns here, one write at a time, and what waited is forgotten once it has left.
 */
import { Writable } from 'node:stream';
import type { ServerChannel } from 'ssh2';

export interface ChannelOutput {
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** Streams that write to the channel with back-pressure. Ending them does not close the channel. */
export const channelOutput = (channel: ServerChannel): ChannelOutput => {
  let turn = Promise.resolve();
  const ignore = () => {}; // a channel that closed under a write: the reader of 'close' knows
  channel.on('error', ignore);
  channel.stderr.on('error', ignore);

  const into = (stream: Writable) =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        turn = turn.then(() => send(channel, stream, chunk));
        turn.then(() => done());
      },
    });
  return { stdout: into(channel), stderr: into(channel.stderr) };
};

const send = (channel: ServerChannel, stream: Writable, chunk: Buffer): Promise<void> =>
  new Promise((resolve) => {
    stream.write(chunk, () => {
      Object.assign(channel, { _chunk: undefined, _chunkcb: undefined, _chunkErr: undefined, _chunkcbErr: undefined });
      resolve();
    });
  });
