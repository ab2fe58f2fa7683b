import type { Message } from '#protocol/message.ts';

/** A connection, by a number that its owner chooses and never uses twice. */
export type PeerKey = number;

/** What happens to a swarm. */
export type SwarmEvent =
  /** A handshake was exchanged; `fast` when both ends speak BEP 6. */
  | { readonly type: 'connected'; readonly peer: PeerKey; readonly fast: boolean }
  /** A neighbour has told how many of our requests it lets wait (BEP 10, `reqq`); 250 is usual where it does not. */
  | { readonly type: 'allows'; readonly peer: PeerKey; readonly requests: number }
  /** A neighbour has told its zone. */
  | { readonly type: 'placed'; readonly peer: PeerKey; readonly zone: string }
  | { readonly type: 'disconnected'; readonly peer: PeerKey }
  | { readonly type: 'message'; readonly peer: PeerKey; readonly message: Message }
  /** The answer to a `check`: the piece is on disk and right, or it was wrong and is forgotten. */
  | { readonly type: 'checked'; readonly piece: number; readonly ok: boolean }
  /** So many bytes of `upload` effects have left for this peer. */
  | { readonly type: 'uploaded'; readonly peer: PeerKey; readonly bytes: number }
  /** Time has passed: wanted every quarter of a second or so. */
  | { readonly type: 'tick' };

/** What the owner of a swarm has to do, in this order. */
export type Effect =
  | { readonly type: 'send'; readonly peer: PeerKey; readonly message: Message }
  /** Send this block of a piece that is on disk, and tell by `uploaded` when it has left. */
  | {
      readonly type: 'upload';
      readonly peer: PeerKey;
      readonly piece: number;
      readonly offset: number;
      readonly length: number;
    }
  /** Keep the block of the `piece` message just handled. */
  | { readonly type: 'store'; readonly piece: number; readonly offset: number }
  /** All blocks of a piece are stored: compare its hash, write it, and answer by `checked`. */
  | { readonly type: 'check'; readonly piece: number }
  /** Forget the stored blocks of a piece. */
  | { readonly type: 'discard'; readonly piece: number }
  | { readonly type: 'close'; readonly peer: PeerKey; readonly reason: CloseReason }
  /** Every piece is present. */
  | { readonly type: 'complete' };

/** Why a connection ends: it sent a wrong piece, broke the protocol, fell silent, or nothing is left to exchange. */
export type CloseReason = 'bad-piece' | 'protocol' | 'silent' | 'both-complete';
