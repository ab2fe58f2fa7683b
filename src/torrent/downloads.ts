import type { BlockMessage, PieceMessage } from '#protocol/message.ts';
import { ProtocolError } from '#protocol/protocol-error.ts';
import type { BlockRef, Neighbour } from './neighbour.ts';
import {
  drop,
  expectBlock,
  giveUp,
  giveUpAll,
  isComplete,
  type SwarmState,
  send,
  setStalled,
  unexpectBlock,
} from './swarm-state.ts';
import { hasRoom, windowOf } from './window.ts';

/** A neighbour that refused a request is left alone this long. */
const REFUSED_MS = 500;

/** Asks a neighbour for blocks until its window is full, or that of all neighbours together. */
export const requestMore = (state: SwarmState, peer: Neighbour): void => {
  if (isComplete(state) || !hasRoom(state, peer)) return;
  if (peer.pending.size === 0) peer.progressAt = state.now;
  while (peer.pending.size < windowOf(peer)) {
    if (state.inFlight >= state.window && !peer.stalled) {
      state.waiting ||= state.picker.offers(peer);
      return;
    }
    const ref = state.picker.pick(peer);
    if (ref === undefined) return;
    expectBlock(state, peer, ref);
    send(state, peer, blockMessage(state, 'request', ref));
  }
};

/** Asks every neighbour: something has become free to ask for. */
export const requestMoreOfAll = (state: SwarmState): void => {
  state.waiting = false;
  requestRarest(state);
  for (const peer of state.neighbours.values()) if (!peer.stalled) requestMore(state, peer);
  for (const peer of state.neighbours.values()) if (peer.stalled) requestMore(state, peer);
};

/** A neighbour has delivered, and there is room again: for it first, and where much is to be had for what is rarest. */
const requestNext = (state: SwarmState, peer: Neighbour): void => {
  if (state.waiting) requestMoreOfAll(state);
  else requestMore(state, peer);
};

/** While there is more to ask for than may be in flight, the rarest pieces come first, each from the least busy that has it. */
const requestRarest = (state: SwarmState): void => {
  while (state.inFlight < state.window) {
    const source = state.picker.beginRarest((piece) => leastBusy(state, piece));
    if (source === undefined) return;
    requestMore(state, source);
  }
};

const leastBusy = (state: SwarmState, piece: number): Neighbour | undefined => {
  let best: Neighbour | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const peer of state.neighbours.values()) {
    if (peer.stalled || !peer.bits.has(piece) || !hasRoom(state, peer)) continue;
    if (state.zone?.mayAsk(peer, piece) === false) continue;
    const busy = peer.pending.size / windowOf(peer);
    if (busy < least) [best, least] = [peer, busy];
  }
  return best;
};

/** Takes a block, asked for or late. @throws ProtocolError when it is no block of this content. */
export const receiveBlock = (state: SwarmState, peer: Neighbour, message: PieceMessage): void => {
  const ref = refOf(state, message.piece, message.offset, message.block.length);
  state.downloaded += message.block.length;
  state.rate.add(message.block.length, state.now);
  state.receivedAt = state.now;
  peer.rate.add(message.block.length, state.now);
  peer.progressAt = state.now;
  setStalled(state, peer, false);
  state.zone?.received(peer, state.now);
  const asked = unexpectBlock(state, peer, ref);
  const verdict = state.picker.receive(peer.key, ref);
  if (asked !== undefined) {
    peer.latest = state.now - asked.askedAt;
    peer.quickest = Math.min(peer.quickest, peer.latest);
    state.picker.settle(ref);
  }
  if (verdict !== 'unwanted') {
    state.effects.push({ type: 'store', piece: message.piece, offset: message.offset });
    cancelElsewhere(state, ref);
  }
  if (verdict === 'whole') state.effects.push({ type: 'check', piece: message.piece });
  requestNext(state, peer);
};

/** The neighbour will not send a block: others are asked, and it itself only after a pause. */
export const receiveReject = (state: SwarmState, peer: Neighbour, { piece, offset, length }: BlockMessage): void => {
  const ref = refOf(state, piece, offset, length);
  if (!peer.pending.has(piece * state.geometry.blocksPerPiece + ref.block)) return;
  peer.pausedUntil = state.now + REFUSED_MS;
  giveUp(state, peer, ref);
  requestMoreOfAll(state);
};

/** Gives back everything a neighbour was asked for, as when it chokes us. */
export const withdrawAll = (state: SwarmState, peer: Neighbour): void => {
  if (giveUpAll(state, peer).length > 0) requestMoreOfAll(state);
};

/** Takes back a request. */
export const cancel = (state: SwarmState, peer: Neighbour, ref: BlockRef): void =>
  send(state, peer, blockMessage(state, 'cancel', ref));

/** The verdict on a whole piece. The only sender of a wrong one is dropped; of several, the next attempt has but one. */
export const closePiece = (state: SwarmState, piece: number, ok: boolean): void => {
  const senders = state.picker.close(piece, ok);
  const liar = senders.length === 1 ? state.neighbours.get(senders[0] as number) : undefined;
  if (liar !== undefined) drop(state, liar, 'bad-piece');
};

const cancelElsewhere = (state: SwarmState, ref: BlockRef): void => {
  if (state.picker.open.get(ref.piece)?.asked[ref.block] === 0) return;
  for (const peer of state.neighbours.values()) {
    if (!unexpectBlock(state, peer, ref)) continue;
    state.picker.settle(ref);
    cancel(state, peer, ref);
  }
};

const refOf = ({ geometry }: SwarmState, piece: number, offset: number, length: number): BlockRef => {
  const block = offset / geometry.blockBytes;
  const fits = piece < geometry.pieces && Number.isInteger(block) && block < geometry.blockCount(piece);
  if (!fits || geometry.blockSize(piece, block) !== length) {
    throw new ProtocolError(`block: ${length} bytes at ${offset} of piece ${piece} were never asked for`);
  }
  return { piece, block };
};

const blockMessage = (
  { geometry }: SwarmState,
  type: BlockMessage['type'],
  { piece, block }: BlockRef,
): BlockMessage => ({
  ...{ type, piece },
  offset: block * geometry.blockBytes,
  length: geometry.blockSize(piece, block),
});
