/** Bytes from outside that are not what their format says: the only error that a codec throws. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}
