import { ProtocolError } from '#protocol/protocol-error.ts';
import { type Bitfield, createBitfield } from './bitfield.ts';
import { closePiece, requestMoreOfAll } from './downloads.ts';
import type { Geometry } from './geometry.ts';
import { createHandout } from './handout.ts';
import { greet, receiveMessage, weigh } from './messages.ts';
import { createNeighbour, type Neighbour } from './neighbour.ts';
import { createPiecePicker } from './piece-picker.ts';
import { createRate } from './rate.ts';
import { routeAroundStalls } from './stalls.ts';
import type { Effect, PeerKey, SwarmEvent } from './swarm-event.ts';
import { drop, forget, isComplete, type SwarmState, send, tellNews } from './swarm-state.ts';
import { noteUploaded } from './uploads.ts';
import { measureWindows } from './window.ts';
import { createZone, type Place } from './zone.ts';

/**
 * One peer's view of a swarm and its decisions, without any I/O: events and the time go in, effects come out, and chance
 * is a parameter. The same events at the same times with the same chance give the same effects, so that whole swarms run
 * in virtual time. Nobody is choked: the fleet has one owner, and what a host receives it shall pass on.
 */
export interface Swarm {
  /** Takes one event; `now` is milliseconds and never goes back. The caller carries out the effects in order. */
  handle(event: SwarmEvent, now: number): readonly Effect[];
  /** Pieces present and verified. */
  readonly have: Bitfield;
  /** Payload bytes received and sent, and the neighbours connected. */
  readonly totals: { readonly downloaded: number; readonly uploaded: number; readonly peers: number };
}

export interface SwarmOptions {
  readonly geometry: Geometry;
  /** Numbers from 0 to 1, 1 excluded. */
  readonly random: () => number;
  /** Pieces present at the start; taken over and changed. Default: none. */
  readonly have?: Bitfield;
  /** The deployer's seeder: reveals each piece to one neighbour at a time, so that it sends about one copy. Needs every piece. Default false. */
  readonly handsOut?: boolean;
  /** Where this peer is; default: nowhere in particular. */
  readonly place?: Place;
}

/** Blocks in flight before any rate is known. */
const FIRST_WINDOW = 32;

/** A swarm without neighbours. */
export const createSwarm = (options: SwarmOptions): Swarm => {
  const { geometry, random, have = createBitfield(geometry.pieces), handsOut = false, place } = options;
  const neighbours = new Map<PeerKey, Neighbour>();
  const { pieces } = geometry;
  const zone = place && createZone({ place, neighbours, random, pieces, picker: () => picker });
  const picker = createPiecePicker({ geometry, have, random, neighbours, ...(zone ? { mayAsk: zone.mayAsk } : {}) });
  const state: SwarmState = {
    ...{ geometry, have, picker, neighbours, random, zone },
    rate: createRate(),
    ...{ bestRate: 0, measuredAt: 0, window: FIRST_WINDOW, receivedAt: 0 },
    handout: handsOut ? createHandout({ geometry, picker }) : undefined,
    ...{ inFlight: 0, waiting: false, effects: [], downloaded: 0, uploaded: 0, now: 0 },
  };
  return {
    have,
    get totals() {
      return { downloaded: state.downloaded, uploaded: state.uploaded, peers: neighbours.size };
    },
    handle: (event, now) => {
      state.now = now;
      state.effects = [];
      dispatch(state, event);
      reveal(state);
      return state.effects;
    },
  };
};

/** Hands an event to those it concerns; one of a neighbour no longer known concerns nobody. */
const dispatch = (state: SwarmState, event: SwarmEvent): void => {
  switch (event.type) {
    case 'connected':
      greet(state, createNeighbour(event.peer, event.fast, state.geometry.pieces, state.now));
      break;
    case 'allows':
      withNeighbour(state, event.peer, (peer) => {
        peer.maxRequests = Math.max(1, event.requests);
      });
      break;
    case 'placed':
      withNeighbour(state, event.peer, (peer) => {
        peer.zone = event.zone;
        peer.far = state.zone !== undefined && state.zone.name !== event.zone;
      });
      break;
    case 'disconnected':
      withNeighbour(state, event.peer, (peer) => leave(state, peer));
      break;
    case 'message':
      withNeighbour(state, event.peer, (peer) => guard(state, peer, () => receiveMessage(state, peer, event.message)));
      break;
    case 'checked':
      finishPiece(state, event.piece, event.ok);
      break;
    case 'uploaded':
      state.uploaded += event.bytes;
      withNeighbour(state, event.peer, (peer) => noteUploaded(state, peer, event.bytes));
      break;
    case 'tick':
      tick(state);
  }
};

const withNeighbour = (state: SwarmState, key: PeerKey, act: (peer: Neighbour) => void): void => {
  const peer = state.neighbours.get(key);
  if (peer !== undefined) act(peer);
};

const leave = (state: SwarmState, peer: Neighbour): void => {
  forget(state, peer);
  requestMoreOfAll(state);
};

/** A neighbour that breaks the protocol is dropped. */
const guard = (state: SwarmState, peer: Neighbour, act: () => void): void => {
  try {
    act();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    drop(state, peer, 'protocol');
    requestMoreOfAll(state);
  }
};

const finishPiece = (state: SwarmState, piece: number, ok: boolean): void => {
  closePiece(state, piece, ok);
  if (ok) tellPiece(state, piece);
  else requestMoreOfAll(state);
};

/**
 * A piece that only its sender has is told at once, so that it spreads, and one that only another neighbour has besides, to
 * those who wait for nothing from us: they may have nothing else to ask for. All others go out with the next message to a
 * neighbour, or after NEWS_MS: a packet of its own for every piece and neighbour would cost more than it gains.
 */
const tellPiece = (state: SwarmState, piece: number): void => {
  const complete = isComplete(state);
  const sources = (state.zone ?? state.picker).sources(piece);
  for (const peer of state.neighbours.values()) {
    peer.news.push(piece);
    if (complete || (sources <= (isIdle(peer) ? 2 : 1) && !peer.bits.has(piece))) tellNews(state, peer);
    if (complete) weigh(state, peer);
  }
  if (complete) state.effects.push({ type: 'complete' });
};

/** It waits for no block of ours, so that no message to it is to be expected. */
const isIdle = (peer: Neighbour): boolean => peer.uploads.length === 0 && peer.unsent === 0;

/** The deployer's seeder shows what it hands out. */
const reveal = (state: SwarmState): void => {
  for (;;) {
    const shown = state.handout?.next(state.now);
    if (shown === undefined) return;
    send(state, shown.peer, { type: 'have', piece: shown.piece });
  }
};

const NEWS_MS = 450;
const PART_MS = 3000;
const SPEAK_MS = 100_000;
const SILENCE_MS = 180_000;

const tick = (state: SwarmState): void => {
  measureWindows(state);
  for (const peer of state.neighbours.values()) {
    if (state.now - peer.heardAt > SILENCE_MS) drop(state, peer, 'silent');
    else if (isContent(state, peer)) drop(state, peer, 'both-complete');
    else if (state.now - peer.spokeAt > SPEAK_MS) send(state, peer, { type: 'keep-alive' });
    else if (state.now - peer.toldAt > NEWS_MS) tellNews(state, peer);
  }
  state.handout?.review(state.now);
  state.zone?.review(state.now, state.inFlight === 0);
  routeAroundStalls(state);
  requestMoreOfAll(state);
};

/**
 * We have everything and it has wanted nothing for a while, so it has everything too: it does not tell us of all its
 * pieces (`tellNews`). The while is for a neighbour that has yet to hear of our last ones.
 */
const isContent = (state: SwarmState, { contentAt }: Neighbour): boolean =>
  contentAt !== undefined && isComplete(state) && state.now - Math.max(contentAt, state.receivedAt) > PART_MS;
