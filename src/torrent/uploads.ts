import type { BlockMessage } from '#protocol/message.ts';
import { ProtocolError } from '#protocol/protocol-error.ts';
import type { Neighbour } from './neighbour.ts';
import { type SwarmState, send, tellNews } from './swarm-state.ts';

/**
 * What neighbours asked for. Only UNSENT_BYTES a neighbour are handed to its connection at a time: the rest waits here,
 * where a cancel still reaches it and where it costs no memory.
 */
const UNSENT_BYTES = 512 * 1024;
const MAX_QUEUED = 1024;
const MAX_BLOCK_BYTES = 128 * 1024;

/** Queues a block for a neighbour, or refuses it. @throws ProtocolError when there is no such block. */
export const queueUpload = (state: SwarmState, peer: Neighbour, request: BlockMessage): void => {
  const { piece, offset, length } = request;
  const exists = piece < state.geometry.pieces && offset + length <= state.geometry.pieceSize(piece);
  if (!exists || length === 0 || length > Math.max(MAX_BLOCK_BYTES, state.geometry.blockBytes)) {
    throw new ProtocolError(`request: ${length} bytes at ${offset} of piece ${piece}`);
  }
  if (state.have.has(piece) && peer.uploads.length < MAX_QUEUED) {
    peer.uploads.push({ piece, offset, length });
    pumpUploads(state, peer);
  } else {
    refuse(state, peer, request);
  }
};

/** Takes a block out of the queue; one that is already with the connection is sent all the same. */
export const cancelUpload = (state: SwarmState, peer: Neighbour, { piece, offset, length }: BlockMessage): void => {
  const at = peer.uploads.findIndex((it) => it.piece === piece && it.offset === offset && it.length === length);
  if (at === -1) return;
  peer.uploads.splice(at, 1);
  refuse(state, peer, { type: 'cancel', piece, offset, length });
};

/** So many bytes have left: hands the connection what comes next. */
export const noteUploaded = (state: SwarmState, peer: Neighbour, bytes: number): void => {
  peer.unsent -= bytes;
  state.handout?.left(peer, bytes, state.now);
  pumpUploads(state, peer);
};

const pumpUploads = (state: SwarmState, peer: Neighbour): void => {
  while (peer.unsent < UNSENT_BYTES) {
    const next = peer.uploads.shift();
    if (next === undefined) return;
    peer.unsent += next.length;
    tellNews(state, peer);
    state.handout?.sent(peer, next.piece, next.length, state.now);
    peer.spokeAt = state.now;
    state.effects.push({ type: 'upload', peer: peer.key, ...next });
  }
};

/** Under BEP 6 every request gets an answer. */
const refuse = (state: SwarmState, peer: Neighbour, { piece, offset, length }: BlockMessage): void => {
  if (peer.fast) send(state, peer, { type: 'reject', piece, offset, length });
};
