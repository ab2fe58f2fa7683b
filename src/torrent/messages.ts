import type { Message } from '#protocol/message.ts';
import { ProtocolError } from '#protocol/protocol-error.ts';
import { type Bitfield, createBitfield, parseBitfield } from './bitfield.ts';
import { receiveBlock, receiveReject, requestMore, withdrawAll } from './downloads.ts';
import type { Neighbour } from './neighbour.ts';
import { drop, isComplete, type SwarmState, send } from './swarm-state.ts';
import { cancelUpload, queueUpload } from './uploads.ts';

/** Tells a new neighbour what we have, as far as it shall know, and that it may ask for it. */
export const greet = (state: SwarmState, peer: Neighbour): void => {
  state.neighbours.set(peer.key, peer);
  state.handout?.join(peer, state.now);
  const shown = state.handout === undefined ? state.have.count : 0;
  if (peer.fast && shown === state.have.size) send(state, peer, { type: 'have-all' });
  else if (peer.fast && shown === 0) send(state, peer, { type: 'have-none' });
  else if (shown > 0) send(state, peer, { type: 'bitfield', bits: state.have.bytes.slice() });
  send(state, peer, { type: 'unchoke' });
};

/** Takes a neighbour's message. @throws ProtocolError when it does not fit this content or this moment. */
export const receiveMessage = (state: SwarmState, peer: Neighbour, message: Message): void => {
  peer.heardAt = state.now;
  switch (message.type) {
    case 'have':
      receiveHave(state, peer, message.piece);
      break;
    case 'bitfield':
      receivePieces(state, peer, parseBitfield(message.bits, state.geometry.pieces));
      break;
    case 'have-all':
      receivePieces(state, peer, createBitfield(state.geometry.pieces, true));
      break;
    case 'choke':
      peer.chokesUs = true;
      withdrawAll(state, peer);
      break;
    case 'unchoke':
      peer.chokesUs = false;
      requestMore(state, peer);
      break;
    case 'interested':
      peer.wanted = true;
      peer.contentAt = undefined;
      break;
    case 'not-interested':
      peer.contentAt = state.now;
      break;
    case 'request':
      queueUpload(state, peer, message);
      break;
    case 'cancel':
      cancelUpload(state, peer, message);
      break;
    case 'reject':
      receiveReject(state, peer, message);
      break;
    case 'piece':
      receiveBlock(state, peer, message);
      break;
    default: // keep-alive, have-none; suggest and allowed-fast, which bind nobody
  }
};

/**
 * What a neighbour is good for has changed: says so, asks it, or parts from it when both have everything. Interest lasts until
 * we are complete: in a swarm that lives on a seeder's newest pieces it would come and go with every piece.
 */
export const weigh = (state: SwarmState, peer: Neighbour): void => {
  if (isComplete(state)) {
    if (peer.bits.count === peer.bits.size) drop(state, peer, 'both-complete');
    else if (peer.interesting) send(state, peer, { type: 'not-interested' });
    peer.interesting = false;
    return;
  }
  if (!peer.interesting && peer.askable > 0) {
    peer.interesting = true;
    send(state, peer, { type: 'interested' });
  }
  requestMore(state, peer);
};

/** A neighbour's pieces, all at once: its first word under BEP 3; aria2 also sums up many `have` messages so. */
const receivePieces = (state: SwarmState, peer: Neighbour, bits: Bitfield): void => {
  for (let piece = 0; piece < bits.size; piece++) if (bits.has(piece)) notePiece(state, peer, piece);
  weigh(state, peer);
};

const receiveHave = (state: SwarmState, peer: Neighbour, piece: number): void => {
  if (piece >= state.geometry.pieces) throw new ProtocolError(`have: no piece ${piece}`);
  notePiece(state, peer, piece);
  const isOld = state.have.has(piece) && !isComplete(state); // nothing more to ask for, and half of what is told
  if (!isOld) weigh(state, peer);
};

const notePiece = (state: SwarmState, peer: Neighbour, piece: number): void => {
  if (!peer.bits.add(piece)) return;
  state.picker.gain(peer, piece);
  state.handout?.gained(peer, piece, state.now);
};
