import { type Bitfield, createBitfield } from './bitfield.ts';
import type { Geometry } from './geometry.ts';
import type { Neighbour } from './neighbour.ts';
import type { PiecePicker } from './piece-picker.ts';
import { createRate } from './rate.ts';
import type { PeerKey } from './swarm-event.ts';

/**
 * What the deployer's seeder reveals to whom (super-seeding, BEP 16). The origin's link is the one that all bytes must pass, so it
 * carries each piece once: a piece is shown to one neighbour, which then shows it to all others. Unlike BEP 16, the
 * seeder does not wait for a piece to spread before it shows the next: it always has BACKLOG_SECONDS of its link's work
 * handed out, each piece to whom is likely to pass it on soonest. What does not spread in time is given to another, and a neighbour
 * that can reach nobody else is fed. Pieces go out in order, so that hosts can hash the content as it grows.
 */
export interface Handout {
  join(peer: Neighbour, now: number): void;
  /** The picker has forgotten the neighbour already. */
  leave(peer: Neighbour): void;
  /** A neighbour tells that it has a piece. */
  gained(peer: Neighbour, piece: number, now: number): void;
  /** Bytes of a piece are on their way to a neighbour. */
  sent(peer: Neighbour, piece: number, bytes: number, now: number): void;
  /** Looks for what has not spread and for who is cut off; wanted every tick. */
  review(now: number): void;
  /** The next piece to reveal, and to whom; undefined while enough is handed out. */
  next(now: number): { readonly peer: Neighbour; readonly piece: number } | undefined;
}

export interface HandoutOptions {
  readonly geometry: Geometry;
  readonly picker: PiecePicker;
}

interface Gift {
  readonly piece: number;
  readonly to: Recipient;
  readonly at: number;
}

interface Recipient {
  readonly peer: Neighbour;
  readonly shown: Bitfield;
  /** Shown to it alone and seen nowhere else yet, oldest first. */
  readonly gifts: Set<Gift>;
  /** Bytes shown to it and not yet sent, by piece. */
  readonly owing: Map<number, number>;
  /** Their sum. */
  owed: number;
  /** The last time that something was sent to it, or owed after nothing was. */
  movedAt: number;
  /** The last time that it got a piece from somebody else. */
  elsewhereAt: number;
  /** How long its gifts take to be seen elsewhere, of late. */
  spreadMs: number | undefined;
  /** Where to look for a piece to feed it; undefined when it lives on others. */
  feedFrom: number | undefined;
  lastGiftAt: number;
}

const BACKLOG_SECONDS = 0.25;
const MIN_BACKLOG = 128 * 1024;
const MAX_BACKLOG = 8 * 1024 * 1024;
const PATIENCE_MS = 1500;
const FIRST_PATIENCE_MS = 3000;

/** Nothing handed out yet. */
export const createHandout = ({ geometry, picker }: HandoutOptions): Handout => {
  const recipients = new Map<PeerKey, Recipient>();
  const given = new Map<number, Gift>(); // by piece, oldest first
  const returned = new Set<number>(); // pieces nobody has any more
  const rate = createRate();
  let begun = 0; // pieces below were handed out, or somebody had them
  let spreadMs = 0; // of the whole fleet

  const patience = (): number => (spreadMs === 0 ? FIRST_PATIENCE_MS : Math.max(PATIENCE_MS, 4 * spreadMs));
  const isStuck = ({ owed, movedAt }: Recipient, now: number): boolean => owed > 0 && now - movedAt > PATIENCE_MS;
  const backlog = (now: number): number =>
    Math.max(2 * geometry.pieceLength, MIN_BACKLOG, Math.min(MAX_BACKLOG, rate.perSecond(now) * BACKLOG_SECONDS));

  const fresh = (): number | undefined => {
    for (const piece of returned) {
      if (picker.sources(piece) === 0 && !given.has(piece)) return piece;
      returned.delete(piece);
    }
    while (begun < geometry.pieces && (given.has(begun) || picker.sources(begun) > 0)) begun++;
    return begun < geometry.pieces ? begun : undefined;
  };

  /** How long a piece given to it now would take to be seen elsewhere, by what is known. */
  const delayOf = (recipient: Recipient, now: number): number => {
    const [oldest] = recipient.gifts;
    const waited = oldest === undefined ? 0 : now - oldest.at;
    return (recipient.gifts.size + 1) * Math.max(1, waited, recipient.spreadMs ?? 0);
  };

  const choose = (piece: number, now: number): Recipient | undefined => {
    const most = Math.max(2 * geometry.pieceLength, (2 * backlog(now)) / recipients.size);
    let best: Recipient | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const recipient of recipients.values()) {
      if (recipient.owed >= most || isStuck(recipient, now) || recipient.shown.has(piece)) continue;
      if (recipient.peer.bits.has(piece)) continue;
      const delay = delayOf(recipient, now);
      if (delay > least || (delay === least && best !== undefined && recipient.lastGiftAt >= best.lastGiftAt)) continue;
      [best, least] = [recipient, delay];
    }
    return best;
  };

  const show = (recipient: Recipient, piece: number, now: number) => {
    if (recipient.owed === 0) recipient.movedAt = now;
    recipient.owing.set(piece, geometry.pieceSize(piece));
    recipient.owed += geometry.pieceSize(piece);
    recipient.shown.add(piece);
    return { peer: recipient.peer, piece };
  };

  const give = (recipient: Recipient, piece: number, now: number) => {
    const gift = { piece, to: recipient, at: now };
    returned.delete(piece);
    given.set(piece, gift);
    recipient.gifts.add(gift);
    recipient.lastGiftAt = now;
    return show(recipient, piece, now);
  };

  /** It is owed less of a piece, or nothing more: what it got elsewhere it will not ask for here. */
  const settle = (recipient: Recipient, piece: number, bytes: number): void => {
    const left = recipient.owing.get(piece);
    if (left === undefined) return;
    const paid = Math.min(left, bytes);
    recipient.owed -= paid;
    if (paid === left) recipient.owing.delete(piece);
    else recipient.owing.set(piece, left - paid);
  };

  /** It has not asked for what it was shown: others have it to do. */
  const forgive = (recipient: Recipient): void => {
    recipient.owing.clear();
    recipient.owed = 0;
  };

  const take = (gift: Gift): void => {
    given.delete(gift.piece);
    gift.to.gifts.delete(gift);
  };

  /** Bytes that the link has to carry soon. */
  const handedOut = (now: number): number => {
    let bytes = 0;
    for (const recipient of recipients.values()) {
      if (!isStuck(recipient, now)) bytes += recipient.owed + recipient.peer.unsent;
    }
    return bytes;
  };

  /** A piece that others have and a neighbour lacks that gets nothing from them. */
  const feed = (now: number): { recipient: Recipient; piece: number } | undefined => {
    for (const recipient of recipients.values()) {
      if (recipient.feedFrom === undefined || recipient.owed >= backlog(now) || isStuck(recipient, now)) continue;
      for (let piece = recipient.feedFrom; piece < geometry.pieces; piece++) {
        recipient.feedFrom = piece + 1;
        if (!recipient.shown.has(piece) && !recipient.peer.bits.has(piece)) return { recipient, piece };
      }
    }
    return undefined;
  };

  return {
    join: (peer, now) => {
      const shown = createBitfield(geometry.pieces);
      const times = { movedAt: now, elsewhereAt: now, lastGiftAt: 0, spreadMs: undefined, feedFrom: undefined };
      recipients.set(peer.key, { peer, shown, gifts: new Set(), owing: new Map(), owed: 0, ...times });
    },
    leave: (peer) => {
      for (const gift of recipients.get(peer.key)?.gifts ?? []) {
        given.delete(gift.piece);
        returned.add(gift.piece);
      }
      recipients.delete(peer.key);
      for (let piece = 0; piece < begun; piece++) if (peer.bits.has(piece)) returned.add(piece);
    },
    gained: (peer, piece, now) => {
      const recipient = recipients.get(peer.key);
      if (recipient === undefined) return;
      if (!recipient.shown.has(piece)) recipient.elsewhereAt = now;
      settle(recipient, piece, geometry.pieceLength);
      const gift = given.get(piece);
      if (gift === undefined || gift.to === recipient) return;
      take(gift);
      const age = now - gift.at;
      gift.to.spreadMs = average(gift.to.spreadMs ?? age, age);
      spreadMs = average(spreadMs === 0 ? age : spreadMs, age);
    },
    sent: (peer, piece, bytes, now) => {
      rate.add(bytes, now);
      const recipient = recipients.get(peer.key);
      if (recipient === undefined) return;
      settle(recipient, piece, bytes);
      recipient.movedAt = now;
    },
    review: (now) => {
      for (const gift of given.values()) {
        if (now - gift.at < patience()) break;
        if (choose(gift.piece, now) === undefined) continue;
        take(gift);
        returned.add(gift.piece);
      }
      for (const recipient of recipients.values()) {
        if (isStuck(recipient, now - patience())) forgive(recipient);
        const cutOff = recipients.size > 1 && now - recipient.elsewhereAt > patience();
        recipient.feedFrom = cutOff ? 0 : undefined;
      }
    },
    next: (now) => {
      if (handedOut(now) < backlog(now)) {
        const piece = fresh();
        const recipient = piece === undefined ? undefined : choose(piece, now);
        if (piece !== undefined && recipient !== undefined) return give(recipient, piece, now);
      }
      const fed = feed(now);
      return fed && show(fed.recipient, fed.piece, now);
    },
  };
};

const average = (before: number, now: number): number => before * 0.7 + now * 0.3;
