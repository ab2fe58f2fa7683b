import type { ErrorCode } from '#protocol/events.ts';

/** Why a host could not be connected to or logged in to. */
export class ConnectFailed extends Error {
  override readonly name = 'ConnectFailed';
  readonly code: Extract<ErrorCode, 'connect' | 'host-key' | 'auth'>;
  constructor(code: ConnectFailed['code'], message: string) {
    super(message);
    this.code = code;
  }
}
