import type { ErrorCode } from '#protocol/events.ts';

/** Why a host could not be connected to or logged in to. */
export class ConnectFailed extends Error {
  override readonly name = 'ConnectFailed';
  readonly code: Extract<ErrorCode, 'connect' | 'host-key' | 'auth'>;
  /** The other side hung up before anybody had logged in: another time it may go well. */
  readonly dropped: boolean;
  /** Ways to log in that the host would have taken, and what it was offered: for what comes next. */
  readonly methodsLeft: readonly string[];
  readonly offered: readonly string[];
  constructor(
    code: ConnectFailed['code'],
    message: string,
    dropped = false,
    login: Pick<ConnectFailed, 'methodsLeft' | 'offered'> = NO_LOGIN,
  ) {
    super(message);
    this.code = code;
    this.dropped = dropped;
    this.methodsLeft = login.methodsLeft;
    this.offered = login.offered;
  }
}

const NO_LOGIN = { methodsLeft: [], offered: [] };
