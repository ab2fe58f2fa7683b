import type { BlockMessage, PieceMessage } from '#protocol/message.ts';
import { ProtocolError } from '#protocol/protocol-error.ts';
import { BLOCK_BYTES } from './geometry.ts';
import type { BlockRef, Neighbour } from './neighbour.ts';
import { drop, release, type SwarmState, send } from './swarm-state.ts';

/**
 * The request pipeline. Each neighbour is asked for as many blocks as it delivers in WINDOW_SECONDS: enough to keep its
 * link full over any sane round trip, and few enough that no long queue stands before the next piece. Requests go out in
 * batches. A neighbour that delivers nothing for STALL_MS loses its requests to those who have the same pieces.
 */
const WINDOW_SECONDS = 0.4;
const MIN_WINDOW = 4;
const MAX_WINDOW = 256;
const STALL_MS = 2000;
const REFUSED_MS = 500;

/** Asks a neighbour for blocks until its window is full. */
export const requestMore = (state: SwarmState, peer: Neighbour): void => {
  if (peer.chokesUs || peer.wanted === 0 || state.now < peer.pausedUntil) return;
  const window = windowOf(state, peer);
  if (peer.pending.size > window * 0.75) return;
  if (peer.pending.size === 0) peer.progressAt = state.now;
  while (peer.pending.size < window) {
    const ref = state.picker.pick(peer);
    if (ref === undefined) return;
    peer.pending.set(keyOf(state, ref), ref);
    send(state, peer, blockMessage(state, 'request', ref));
  }
};

/** Asks every neighbour, the unreliable last: something has become free to ask for. */
export const requestMoreOfAll = (state: SwarmState): void => {
  for (const peer of state.neighbours.values()) if (!peer.stalled) requestMore(state, peer);
  for (const peer of state.neighbours.values()) if (peer.stalled) requestMore(state, peer);
};

/** Takes a block, asked for or late. @throws ProtocolError when it is no block of this content. */
export const receiveBlock = (state: SwarmState, peer: Neighbour, message: PieceMessage): void => {
  const ref = refOf(state, message.piece, message.offset, message.block.length);
  state.downloaded += message.block.length;
  peer.rate.add(message.block.length, state.now);
  peer.progressAt = state.now;
  peer.stalled = false;
  const asked = peer.pending.delete(keyOf(state, ref));
  const verdict = state.picker.receive(peer.key, ref);
  if (asked) state.picker.settle(ref);
  if (verdict !== 'unwanted') {
    state.effects.push({ type: 'store', piece: message.piece, offset: message.offset });
    cancelElsewhere(state, ref);
  }
  if (verdict === 'whole') state.effects.push({ type: 'check', piece: message.piece });
  requestMore(state, peer);
};

/** The neighbour will not send a block: others are asked, and it itself only after a pause. */
export const receiveReject = (state: SwarmState, peer: Neighbour, { piece, offset, length }: BlockMessage): void => {
  const ref = refOf(state, piece, offset, length);
  if (!peer.pending.delete(keyOf(state, ref))) return;
  peer.pausedUntil = state.now + REFUSED_MS;
  release(state, peer, ref);
  requestMoreOfAll(state);
};

/** Gives back everything a neighbour was asked for, as when it chokes us. */
export const withdrawAll = (state: SwarmState, peer: Neighbour): void => {
  const refs = [...peer.pending.values()];
  peer.pending.clear();
  for (const ref of refs) release(state, peer, ref);
  if (refs.length > 0) requestMoreOfAll(state);
};

/** Hands the requests of neighbours that deliver nothing to those that have the same pieces. */
export const routeAroundStalls = (state: SwarmState): void => {
  for (const peer of state.neighbours.values()) {
    if (peer.pending.size === 0 || state.now - peer.progressAt < STALL_MS) continue;
    peer.stalled = true;
    for (const [key, ref] of peer.pending) {
      if (!hasOtherSource(state, peer, ref.piece)) continue;
      peer.pending.delete(key);
      send(state, peer, blockMessage(state, 'cancel', ref));
      release(state, peer, ref);
    }
  }
};

/** The verdict on a whole piece. The only sender of a wrong one is dropped; of several, the next attempt has but one. */
export const closePiece = (state: SwarmState, piece: number, ok: boolean): void => {
  const senders = state.picker.close(piece, ok);
  const liar = senders.length === 1 ? state.neighbours.get(senders[0] as number) : undefined;
  if (liar !== undefined) drop(state, liar, 'bad-piece');
};

const windowOf = (state: SwarmState, peer: Neighbour): number => {
  if (peer.stalled) return 1;
  const blocks = Math.ceil((peer.rate.perSecond(state.now) * WINDOW_SECONDS) / BLOCK_BYTES);
  return Math.min(MAX_WINDOW, Math.max(MIN_WINDOW, blocks));
};

const hasOtherSource = (state: SwarmState, peer: Neighbour, piece: number): boolean => {
  for (const other of state.neighbours.values()) {
    if (other !== peer && !other.stalled && !other.chokesUs && other.bits.has(piece)) return true;
  }
  return false;
};

const cancelElsewhere = (state: SwarmState, ref: BlockRef): void => {
  if (state.picker.open.get(ref.piece)?.asked[ref.block] === 0) return;
  const key = keyOf(state, ref);
  for (const peer of state.neighbours.values()) {
    if (!peer.pending.delete(key)) continue;
    state.picker.settle(ref);
    send(state, peer, blockMessage(state, 'cancel', ref));
  }
};

const keyOf = (state: SwarmState, ref: BlockRef): number => ref.piece * state.geometry.blocksPerPiece + ref.block;

const refOf = ({ geometry }: SwarmState, piece: number, offset: number, length: number): BlockRef => {
  const block = offset / BLOCK_BYTES;
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
  offset: block * BLOCK_BYTES,
  length: geometry.blockSize(piece, block),
});
