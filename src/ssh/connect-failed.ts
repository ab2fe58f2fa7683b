import type { ErrorCode } from '#protocol/events.ts';

/** Why a host could not be connected to or logged in to. */
export class ConnectFailed extends Error {
  override readonly name = 'ConnectFailed';
  readonly code: Extract<ErrorCode, 'connect' | 'host-key' | 'auth'>;
  /** The other side hung up before anybody had logged in: another time it may go well. */
  readonly dropped: boolean;
  constructor(code: ConnectFailed['code'], message: string, dropped = false) {
    super(message);
    this.code = code;
    this.dropped = dropped;
  }
}
