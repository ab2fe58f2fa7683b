import type { Message } from '#protocol/message.ts';
import type { Bitfield } from './bitfield.ts';
import type { Geometry } from './geometry.ts';
import type { Handout } from './handout.ts';
import type { BlockRef, Neighbour, PendingBlock } from './neighbour.ts';
import type { PiecePicker } from './piece-picker.ts';
import type { Rate } from './rate.ts';
import type { CloseReason, Effect, PeerKey } from './swarm-event.ts';
import type { Zone } from './zone.ts';

/** Everything a swarm remembers between two events. */
export interface SwarmState {
  readonly geometry: Geometry;
  /** Numbers from 0 to 1, 1 excluded. */
  readonly random: () => number;
  /** Pieces present and verified. */
  readonly have: Bitfield;
  readonly picker: PiecePicker;
  readonly neighbours: Map<PeerKey, Neighbour>;
  /** Undefined where zones are of no matter. */
  readonly zone: Zone | undefined;
  /** Payload bytes received of late, from all. */
  readonly rate: Rate;
  /** The highest rate of late, bytes a second. */
  bestRate: number;
  measuredAt: number;
  /** Blocks that may be in flight from all neighbours together. */
  window: number;
  /** The last time that payload came. */
  receivedAt: number;
  /** What the deployer's seeder has revealed to whom; nobody else has one. */
  readonly handout: Handout | undefined;
  /** Blocks asked for and not yet here, those of stalled neighbours left out. */
  inFlight: number;
  /** Something could be asked for as soon as less is in flight. */
  waiting: boolean;
  /** Effects of the event being handled. */
  effects: Effect[];
  /** Payload bytes received, also those that came twice. */
  downloaded: number;
  /** Payload bytes sent. */
  uploaded: number;
  /** The latest time told, milliseconds. */
  now: number;
}

export const isComplete = (state: SwarmState): boolean => state.have.count === state.have.size;

/** Adds a message to the effects, and before it the pieces that the neighbour has yet to hear of: they travel for free. */
export const send = (state: SwarmState, peer: Neighbour, message: Message): void => {
  tellNews(state, peer);
  sendAlone(state, peer, message);
};

/**
 * Tells a neighbour of the pieces that have come since it last heard from us. Of those that it has by now it needs no word,
 * which halves all messages of a mesh; but one that never wanted any is told of all: the deployer's seeder goes by them.
 */
export const tellNews = (state: SwarmState, peer: Neighbour): void => {
  peer.toldAt = state.now;
  if (peer.news.length === 0) return;
  const { news } = peer;
  peer.news = [];
  for (const piece of news) {
    if (!peer.wanted || !peer.bits.has(piece)) sendAlone(state, peer, { type: 'have', piece });
  }
};

const sendAlone = (state: SwarmState, peer: Neighbour, message: Message): void => {
  peer.spokeAt = state.now;
  state.effects.push({ type: 'send', peer: peer.key, message });
};

/** Notes that a block is asked for. */
export const expectBlock = (state: SwarmState, peer: Neighbour, ref: BlockRef): void => {
  peer.pending.set(keyOf(state, ref), { piece: ref.piece, block: ref.block, askedAt: state.now });
  if (!peer.stalled) state.inFlight++;
};

/** Notes that a block is no longer asked for; returns what was, if it was. */
export const unexpectBlock = (state: SwarmState, peer: Neighbour, ref: BlockRef): PendingBlock | undefined => {
  const key = keyOf(state, ref);
  const asked = peer.pending.get(key);
  if (asked === undefined) return undefined;
  peer.pending.delete(key);
  if (!peer.stalled) state.inFlight--;
  return asked;
};

/** Notes that a neighbour delivers or does not. */
export const setStalled = (state: SwarmState, peer: Neighbour, stalled: boolean): void => {
  if (peer.stalled === stalled) return;
  state.inFlight += stalled ? -peer.pending.size : peer.pending.size;
  peer.stalled = stalled;
};

const keyOf = ({ geometry }: SwarmState, { piece, block }: BlockRef): number => piece * geometry.blocksPerPiece + block;

/** Forgets a neighbour and everything asked of it; the swarm's owner closes its connection. */
export const drop = (state: SwarmState, peer: Neighbour, reason: CloseReason): void => {
  state.effects.push({ type: 'close', peer: peer.key, reason });
  forget(state, peer);
};

/** Forgets a neighbour whose connection is gone. */
export const forget = (state: SwarmState, peer: Neighbour): void => {
  state.neighbours.delete(peer.key);
  state.picker.lose(peer);
  state.handout?.leave(peer);
  giveUpAll(state, peer);
  state.picker.disown(peer);
};

/** Gives everything asked of a neighbour back to the picker; returns what that was. */
export const giveUpAll = (state: SwarmState, peer: Neighbour): readonly BlockRef[] => {
  const refs = [...peer.pending.values()];
  for (const ref of refs) giveUp(state, peer, ref);
  return refs;
};

/** Gives a request back to the picker. */
export const giveUp = (state: SwarmState, peer: Neighbour, ref: BlockRef): void => {
  unexpectBlock(state, peer, ref);
  if (state.picker.release(peer.key, ref)) state.effects.push({ type: 'discard', piece: ref.piece });
};
