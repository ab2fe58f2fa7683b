import type { PeerFailure } from '#protocol/control.ts';
import { ProtocolError } from '#protocol/protocol-error.ts';

/** The reason why a peer gave up, with the code it reports. */
export class PeerError extends Error {
  override readonly name = 'PeerError';
  readonly code: PeerFailure;
  constructor(code: PeerFailure, message: string) {
    super(message);
    this.code = code;
  }
}

/** The PeerError for whatever was thrown: system errors by their code, anything unforeseen as a bug with its place. */
export const toPeerError = (error: unknown): PeerError => {
  if (error instanceof PeerError) return error;
  if (error instanceof ProtocolError) return new PeerError('order', error.message);
  const { code, message, stack } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') return new PeerError('disk-full', message);
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return new PeerError('permission', message);
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return new PeerError('order', message);
  return new PeerError('bug', stack ?? String(error));
};
