import type { Message } from '#protocol/message.ts';
import type { Bitfield } from './bitfield.ts';
import type { Geometry } from './geometry.ts';
import type { Neighbour } from './neighbour.ts';
import type { PiecePicker } from './piece-picker.ts';
import type { CloseReason, Effect, PeerKey } from './swarm-event.ts';

/** Everything a swarm remembers between two events. */
export interface SwarmState {
  readonly geometry: Geometry;
  /** Pieces present and verified. */
  readonly have: Bitfield;
  readonly picker: PiecePicker;
  readonly neighbours: Map<PeerKey, Neighbour>;
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

/** Adds a message to the effects. */
export const send = (state: SwarmState, peer: Neighbour, message: Message): void => {
  peer.spokeAt = state.now;
  state.effects.push({ type: 'send', peer: peer.key, message });
};

/** Forgets a neighbour and everything asked of it; the swarm's owner closes its connection. */
export const drop = (state: SwarmState, peer: Neighbour, reason: CloseReason): void => {
  state.effects.push({ type: 'close', peer: peer.key, reason });
  forget(state, peer);
};

/** Forgets a neighbour whose connection is gone. */
export const forget = (state: SwarmState, peer: Neighbour): void => {
  state.neighbours.delete(peer.key);
  for (let piece = 0; piece < peer.bits.size; piece++) if (peer.bits.has(piece)) state.picker.removeSource(piece);
  for (const ref of peer.pending.values()) release(state, peer, ref);
  peer.pending.clear();
};

/** Gives a request back to the picker. */
export const release = (state: SwarmState, peer: Neighbour, ref: { piece: number; block: number }): void => {
  if (state.picker.release(peer.key, ref)) state.effects.push({ type: 'discard', piece: ref.piece });
};
