import type { Target } from '#inventory/host.ts';
import type { ErrorCode } from '#protocol/events.ts';
import { where } from './where.ts';

/** Why a host could not be connected to or logged in to. */
export class ConnectFailed extends Error {
  override readonly name = 'ConnectFailed';
  readonly code: Extract<ErrorCode, 'connect' | 'host-key' | 'auth'>;
  /** The other side hung up before anybody had logged in: another time it may go well. */
  readonly dropped: boolean;
  /** Ways to log in that the host would have taken, and what it was offered: for what comes next. */
  readonly methodsLeft: readonly string[];
  readonly offered: readonly string[];
  /** Some of it was accepted, and more is wanted. */
  readonly partly: boolean;
  constructor(
    code: ConnectFailed['code'],
    message: string,
    dropped = false,
    login: Pick<ConnectFailed, 'methodsLeft' | 'offered' | 'partly'> = NO_LOGIN,
  ) {
    super(message);
    this.code = code;
    this.dropped = dropped;
    this.methodsLeft = login.methodsLeft;
    this.offered = login.offered;
    this.partly = login.partly;
  }
}

const NO_LOGIN = { methodsLeft: [], offered: [], partly: false };

/** The host is silent for too long. */
export const noAnswer = (target: Target): ConnectFailed =>
  new ConnectFailed('connect', `no SSH answer from ${where(target)} within ${target.ssh.connectTimeout} s`);
