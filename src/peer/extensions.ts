import { decodeExtensionHandshake, encodeExtensionHandshake } from '#protocol/extension-handshake.ts';
import type { ExtendedMessage } from '#protocol/message.ts';
import { ProtocolError } from '#protocol/protocol-error.ts';
import type { PeerKey, SwarmEvent } from '#torrent/swarm-event.ts';
import { VERSION } from './version.ts';

/** Requests of a neighbour that may wait: what the engine queues for each. */
const REQUESTS = 1024;

/** What a neighbour that speaks BEP 10 is told first. No extension has a message of its own yet. */
export const introduction: ExtendedMessage = {
  type: 'extended',
  id: 0,
  payload: encodeExtensionHandshake({
    ...{ extensions: new Map(), client: `Rookery ${VERSION}`, requests: REQUESTS },
  }),
};

/** What a neighbour's extended message means for the swarm; an introduction that cannot be read means nothing. */
export const eventOf = (peer: PeerKey, { id, payload }: ExtendedMessage): SwarmEvent | undefined => {
  if (id !== 0) return undefined;
  try {
    const { requests } = decodeExtensionHandshake(payload);
    return requests === undefined ? undefined : { type: 'allows', peer, requests };
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
};
