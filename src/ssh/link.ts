import type { Duplex } from 'node:stream';
import type { SFTPWrapper } from 'ssh2';
import type { Remote, RemoteProcess } from '#recipe/remote.ts';

/** A logged-in connection, whatever carries it: what a session is made of. */
export interface Link {
  /** This machine's address on it, and the host's; empty where others stand between the two. */
  readonly addresses: Remote['addresses'];
  /** Resolves when the connection has ended: to what is known of the cause, as a rule nothing. */
  readonly gone: Promise<string>;
  /** Runs a text for a POSIX sh in a channel of its own. @throws ChannelRefused where the host opens none; anything else: the connection is lost */
  exec(text: string): Promise<RemoteProcess>;
  /** Opens an SFTP channel. Absent: there are none. @throws as `exec` */
  sftp?(): Promise<SFTPWrapper>;
  /** @throws CommandFailed where sshd refuses */
  forward(accept: (connection: Duplex) => void): Promise<number>;
  /** Ends the connection. */
  close(): Promise<void>;
}

/** The host is there and says no to one channel more, in contrast to a connection that is gone. */
export class ChannelRefused extends Error {
  override readonly name = 'ChannelRefused';
}
