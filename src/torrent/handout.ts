import type { Geometry } from './geometry.ts';
import type { Neighbour } from './neighbour.ts';
import type { PiecePicker } from './piece-picker.ts';
import { createRate } from './rate.ts';
import {
  createRecipient,
  delayOf,
  forgive,
  type Gift,
  handOver,
  noteLeft,
  type Recipient,
  settle,
  show,
} from './recipient.ts';
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
  /** So many bytes have left for a neighbour. */
  left(peer: Neighbour, bytes: number, now: number): void;
  /** Looks for what has not spread and for who is cut off; wanted every tick. */
  review(now: number): void;
  /** The next piece to reveal, and to whom; undefined while enough is handed out. */
  next(now: number): Shown | undefined;
}

interface Shown {
  readonly peer: Neighbour;
  readonly piece: number;
}

export interface HandoutOptions {
  readonly geometry: Geometry;
  readonly picker: PiecePicker;
}

const BACKLOG_SECONDS = 0.25;
const MIN_BACKLOG = 128 * 1024;
const MAX_BACKLOG = 32 * 1024 * 1024;
const PAUSE_MS = 1200;
const FIRST_PATIENCE_MS = 1800;

/** Nothing handed out yet. */
export const createHandout = ({ geometry, picker }: HandoutOptions): Handout => {
  const recipients = new Map<PeerKey, Recipient>();
  const given = new Map<number, Gift>(); // by piece, oldest first
  const returned = new Set<number>(); // pieces nobody has any more
  const rate = createRate();
  let begun = 0; // pieces below were handed out, or somebody had them
  let servedOn = false; // a whole zone ends earlier than others: who has parted with everything serves them on
  let spreadMs = 0; // of the whole fleet
  let sent = 0; // bytes that have left
  let startedAt = 0; // when the first were on their way
  let lastAt = 0; // when the last of them left
  let backlog = MIN_BACKLOG;
  let handedOut = 0; // bytes that the link has to carry soon: owed to those that are not stuck, and unsent

  /** Changes what a recipient is owed, and the sum with it. */
  const change = (recipient: Recipient, act: () => void): void => {
    handedOut -= recipient.stuck ? 0 : recipient.owed + recipient.unsent;
    act();
    handedOut += recipient.stuck ? 0 : recipient.owed + recipient.unsent;
  };

  /** How long nothing may happen where something should, seeing how long our link takes for a piece. */
  const pause = (): number => {
    const pieceMs = sent === 0 ? 0 : (geometry.pieceLength * (lastAt - startedAt)) / sent;
    return Math.max(PAUSE_MS, 8 * pieceMs);
  };

  /** How long a piece may take to spread, and a neighbour to find others. */
  const patience = (): number => Math.max(spreadMs === 0 ? FIRST_PATIENCE_MS : 4 * spreadMs, pause());

  /** How many have a piece, as far as it is known. */
  const sources = (piece: number): number => (servedOn ? 1 : picker.sources(piece));

  const fresh = (): number | undefined => {
    for (const piece of returned) {
      if (sources(piece) === 0 && !given.has(piece)) return piece;
      returned.delete(piece);
    }
    while (begun < geometry.pieces && (given.has(begun) || sources(begun) > 0)) begun++;
    return begun < geometry.pieces ? begun : undefined;
  };

  const choose = (piece: number, now: number): Recipient | undefined => {
    const most = Math.max(2 * geometry.pieceLength, (2 * backlog) / recipients.size);
    let best: Recipient | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const recipient of recipients.values()) {
      if (recipient.owed >= most || recipient.stuck || recipient.shown.has(piece)) continue;
      if (recipient.peer.bits.has(piece)) continue;
      const delay = delayOf(recipient, now);
      if (delay > least || (delay === least && best !== undefined && recipient.lastGiftAt >= best.lastGiftAt)) continue;
      [best, least] = [recipient, delay];
    }
    return best;
  };

  const reveal = (recipient: Recipient, piece: number, now: number): Shown => {
    change(recipient, () => show(recipient, piece, geometry, now));
    return { peer: recipient.peer, piece };
  };

  const give = (recipient: Recipient, piece: number, now: number): Shown => {
    const gift = { piece, to: recipient, at: now, endsAt: undefined, sentAt: undefined };
    returned.delete(piece);
    given.set(piece, gift);
    recipient.gifts.set(piece, gift);
    recipient.lastGiftAt = now;
    return reveal(recipient, piece, now);
  };

  const take = (gift: Gift): void => {
    given.delete(gift.piece);
    gift.to.gifts.delete(gift.piece);
  };

  /** Its recipient does not ask for it, or has had it for long and nobody else has. */
  const isLost = ({ to, sentAt }: Gift, now: number): boolean =>
    sentAt === undefined ? to.stuck : now - sentAt > patience();

  /** A piece that others have and a neighbour lacks that gets nothing from them. */
  const feed = (now: number): Shown | undefined => {
    for (const recipient of recipients.values()) {
      if (recipient.feedFrom === undefined || recipient.owed >= backlog || recipient.stuck) continue;
      for (let piece = recipient.feedFrom; piece < geometry.pieces; piece++) {
        recipient.feedFrom = piece + 1;
        if (sources(piece) === 0 || recipient.shown.has(piece) || recipient.peer.bits.has(piece)) continue;
        if (comesToZone(recipient, piece)) continue;
        return reveal(recipient, piece, now);
      }
    }
    return undefined;
  };

  /** Another host of its zone is about to get a piece: it will pass it on. */
  const comesToZone = ({ peer: { zone } }: Recipient, piece: number): boolean => {
    if (zone === undefined) return false;
    for (const { peer, shown, stuck } of recipients.values())
      if (peer.zone === zone && !stuck && shown.has(piece) && !peer.bits.has(piece)) return true;
    return false;
  };

  /** Somebody else has a piece that it lacks and was not shown here. */
  const couldGetMore = ({ peer, shown }: Recipient): boolean => {
    for (let piece = 0; piece < geometry.pieces; piece++) {
      if (sources(piece) > 0 && !peer.bits.has(piece) && !shown.has(piece)) return true;
    }
    return false;
  };

  const reviewRecipient = (recipient: Recipient, now: number): void => {
    const resting = recipient.owed + recipient.unsent === 0;
    const still = now - recipient.movedAt;
    change(recipient, () => {
      recipient.stuck = !resting && still > pause();
      if (still > 2 * patience() && recipient.unsent === 0) forgive(recipient);
    });
    if (!couldGetMore(recipient)) recipient.elsewhereAt = now;
    const wait = handedOut === 0 ? pause() : patience(); // a link with nothing else to do may as well help
    recipient.feedFrom = now - recipient.elsewhereAt > wait ? 0 : undefined;
  };

  return {
    join: (peer, now) => void recipients.set(peer.key, createRecipient(peer, geometry.pieces, now)),
    leave: (peer) => {
      const recipient = recipients.get(peer.key);
      if (recipient === undefined) return;
      change(recipient, () => {
        forgive(recipient);
        recipient.unsent = 0;
      });
      recipients.delete(peer.key);
      for (const piece of recipient.gifts.keys()) {
        given.delete(piece);
        returned.add(piece);
      }
      servedOn ||= peer.zone !== undefined && (peer.bits.count === geometry.pieces || peer.contentAt !== undefined);
      for (let piece = 0; piece < begun; piece++) if (peer.bits.has(piece)) returned.add(piece);
    },
    gained: (peer, piece, now) => {
      const recipient = recipients.get(peer.key);
      if (recipient === undefined) return;
      if (!recipient.shown.has(piece)) recipient.elsewhereAt = now;
      change(recipient, () => settle(recipient, piece, geometry.pieceLength));
      const gift = given.get(piece);
      if (gift === undefined || gift.to === recipient) return;
      take(gift);
      if (recipient.shown.has(piece)) return; // from us, and not from whom it was given
      const age = now - gift.at;
      gift.to.spreadMs = average(gift.to.spreadMs ?? age, age);
      spreadMs = average(spreadMs === 0 ? age : spreadMs, age);
    },
    sent: (peer, piece, bytes, now) => {
      rate.add(bytes, now);
      if (startedAt === 0) startedAt = now;
      const recipient = recipients.get(peer.key);
      if (recipient === undefined) return;
      change(recipient, () => handOver(recipient, piece, bytes));
      recipient.movedAt = now;
    },
    left: (peer, bytes, now) => {
      const recipient = recipients.get(peer.key);
      if (recipient === undefined) return;
      change(recipient, () => noteLeft(recipient, bytes, now));
      recipient.movedAt = now;
      sent += bytes;
      lastAt = now;
    },
    review: (now) => {
      backlog = Math.max(2 * geometry.pieceLength, MIN_BACKLOG, rate.perSecond(now) * BACKLOG_SECONDS);
      backlog = Math.min(backlog, Math.max(2 * geometry.pieceLength, MAX_BACKLOG));
      for (const recipient of recipients.values()) reviewRecipient(recipient, now);
      for (const gift of given.values()) {
        if (now - gift.at < PAUSE_MS) break;
        if (!isLost(gift, now) || choose(gift.piece, now) === undefined) continue;
        take(gift);
        returned.add(gift.piece);
      }
    },
    next: (now) => {
      if (handedOut < backlog) {
        const piece = fresh();
        const recipient = piece === undefined ? undefined : choose(piece, now);
        if (piece !== undefined && recipient !== undefined) return give(recipient, piece, now);
      }
      return feed(now);
    },
  };
};

const average = (before: number, now: number): number => before * 0.7 + now * 0.3;
