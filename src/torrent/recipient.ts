import { type Bitfield, createBitfield } from './bitfield.ts';
import type { Geometry } from './geometry.ts';
import type { Neighbour } from './neighbour.ts';

/** A piece shown to one neighbour alone, to be passed on by it. Times are milliseconds. */
export interface Gift {
  readonly piece: number;
  readonly to: Recipient;
  readonly at: number;
  /** Bytes that have left for its recipient, counted from the start, when its own last one has; undefined while some are not even on their way. */
  endsAt: number | undefined;
  /** When its last byte left; undefined before. */
  sentAt: number | undefined;
}

/** What the deployer's seeder remembers of one neighbour. */
export interface Recipient {
  readonly peer: Neighbour;
  readonly shown: Bitfield;
  /** Not seen elsewhere yet, oldest first. */
  readonly gifts: Map<number, Gift>;
  /** Bytes shown to it that it has not been sent, by piece. */
  readonly owing: Map<number, number>;
  /** Their sum. */
  owed: number;
  /** Bytes handed to its connection that have not left. */
  unsent: number;
  /** Bytes that have left. */
  sent: number;
  /** The last time that something was shown to it, sent or gone. */
  movedAt: number;
  /** It does not ask for what it was shown, or does not take it. */
  stuck: boolean;
  /** The last time that it got a piece from somebody else, or that nobody else had one for it. */
  elsewhereAt: number;
  /** How long its gifts take to be seen elsewhere, of late. */
  spreadMs: number | undefined;
  /** Where to look for a piece to feed it; undefined when it lives on others. */
  feedFrom: number | undefined;
  lastGiftAt: number;
}

export const createRecipient = (peer: Neighbour, pieces: number, now: number): Recipient => ({
  peer,
  shown: createBitfield(pieces),
  gifts: new Map(),
  owing: new Map(),
  owed: 0,
  unsent: 0,
  sent: 0,
  movedAt: now,
  stuck: false,
  elsewhereAt: now,
  spreadMs: undefined,
  feedFrom: undefined,
  lastGiftAt: 0,
});

/** It is shown a piece, and owed its bytes. */
export const show = (recipient: Recipient, piece: number, geometry: Geometry, now: number): void => {
  recipient.shown.add(piece);
  recipient.owing.set(piece, geometry.pieceSize(piece));
  recipient.owed += geometry.pieceSize(piece);
  if (recipient.unsent === 0) recipient.movedAt = now;
};

/** It is owed so much less of a piece; at most what it is owed. */
export const settle = (recipient: Recipient, piece: number, bytes: number): void => {
  const left = recipient.owing.get(piece);
  if (left === undefined) return;
  recipient.owed -= Math.min(left, bytes);
  if (bytes >= left) recipient.owing.delete(piece);
  else recipient.owing.set(piece, left - bytes);
};

/** Bytes of a piece are on their way to it. */
export const handOver = (recipient: Recipient, piece: number, bytes: number): void => {
  settle(recipient, piece, bytes);
  recipient.unsent += bytes;
  const gift = recipient.gifts.get(piece);
  if (gift !== undefined && !recipient.owing.has(piece)) gift.endsAt ??= recipient.sent + recipient.unsent;
};

/** So many bytes have left for it. */
export const noteLeft = (recipient: Recipient, bytes: number, now: number): void => {
  recipient.unsent -= bytes;
  recipient.sent += bytes;
  for (const gift of recipient.gifts.values()) {
    if (gift.endsAt !== undefined && gift.endsAt <= recipient.sent) gift.sentAt ??= now;
  }
};

/** It has not asked in time for what it was shown, and is owed nothing any more. */
export const forgive = (recipient: Recipient): void => {
  recipient.owing.clear();
  recipient.owed = 0;
};

/** How long a piece given to it now would take to be seen elsewhere, by what is known. */
export const delayOf = (recipient: Recipient, now: number): number => {
  const [oldest] = recipient.gifts.values();
  const waited = oldest === undefined ? 0 : now - oldest.at;
  return (recipient.gifts.size + 1) * Math.max(1, waited, recipient.spreadMs ?? 0);
};
