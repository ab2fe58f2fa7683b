import {
  decodeExtensionHandshake,
  type ExtensionHandshake,
  encodeExtensionHandshake,
} from '#protocol/extension-handshake.ts';
import type { ExtendedMessage } from '#protocol/message.ts';
import { ProtocolError } from '#protocol/protocol-error.ts';
import { VERSION } from './version.ts';

/** Requests of a neighbour that may wait: what the engine queues for each. */
const REQUESTS = 1024;

/** What the engine serves in one message. */
const LARGEST_BLOCK = 128 * 1024;

/** What a neighbour that speaks BEP 10 is told first. No extension has a message of its own yet. */
export const introduce = (zone: string | undefined): ExtendedMessage => ({
  type: 'extended',
  id: 0,
  payload: encodeExtensionHandshake({
    ...{ extensions: new Map(), client: `Rookery ${VERSION}`, requests: REQUESTS },
    largestBlock: LARGEST_BLOCK,
    ...(zone === undefined ? {} : { zone }),
  }),
});

/** What a neighbour says of itself; undefined for other messages and for what cannot be read. */
export const readIntroduction = ({ id, payload }: ExtendedMessage): ExtensionHandshake | undefined => {
  if (id !== 0) return undefined;
  try {
    return decodeExtensionHandshake(payload);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
};
