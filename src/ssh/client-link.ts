import type { ClientChannel } from 'ssh2';
import { loginLine } from '#protocol/shell.ts';
import type { RemoteProcess } from '#recipe/remote.ts';
import type { Connection } from './connect.ts';
import { ChannelRefused, type Link } from './link.ts';
import { forwardPorts } from './remote-forwarding.ts';

/** A connection of ssh2 as a link. */
export const clientLink = (host: string, { client, cut, sent, addresses }: Connection): Link => {
  let closed = false;
  const gone = new Promise<string>((resolve) => client.once('close', () => resolve('')));
  void gone.then(() => {
    closed = true;
  });
  /** ssh2 throws, or never answers, where there is no connection any more. */
  const open = <C>(start: (done: (error: Error | undefined, channel: C) => void) => void): Promise<C> =>
    new Promise((resolve, reject) => {
      if (closed) return reject(new Error('the connection was lost'));
      start((error, channel) => (error ? reject(isRefusal(error) ? new ChannelRefused() : error) : resolve(channel)));
    });
  return {
    addresses,
    gone,
    exec: (text) =>
      open((done) =>
        client.exec(loginLine(text), (error, channel) =>
          done(error, error ? (undefined as never) : asProcess(channel)),
        ),
      ),
    sftp: () => open((done) => client.sftp(done)),
    forward: forwardPorts(host, client),
    close: async () => {
      client.end();
      const stuck = setTimeout(cut, 1000); // the other side is gone without a word
      void gone.then(() => clearTimeout(stuck));
      await (closed || Promise.race([sent(), gone]));
    },
  };
};

/** RFC 4254, 5.1: a refusal has a reason code. */
const isRefusal = (error: unknown): boolean => typeof (error as { reason?: unknown }).reason === 'number';

/** Its end is listened for from the start: a quick command ends in the packet that opens it. */
const asProcess = (channel: ClientChannel): RemoteProcess => {
  channel.on('error', () => {}); // a write to a command that has ended; its end tells
  return {
    stdin: channel,
    stdout: channel,
    stderr: channel.stderr,
    exit: channelEnd(channel),
    signal: (name) => channel.signal(name),
  };
};

/** How the command ended; neither code nor signal where the connection was lost. */
const channelEnd = (channel: ClientChannel): RemoteProcess['exit'] =>
  new Promise((resolve) => {
    let end: Awaited<RemoteProcess['exit']> = { exitCode: null, signal: null };
    channel.on('exit', (exitCode: number | null, signal?: string) => {
      end = { exitCode, signal: signal ? `SIG${signal.replace(/^SIG/, '')}` : null };
    });
    channel.on('close', () => resolve(end));
  });
