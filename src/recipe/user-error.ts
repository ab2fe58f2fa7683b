/**
 * Something the user can mend: shown as its message alone, never with a stack trace. The exit code says how far the
 * run got: 2 before anything was done on a host, 1 later, 4 for a lock, 5 for a connection.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly exitCode: number;
  constructor(message: string, exitCode = 1, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
