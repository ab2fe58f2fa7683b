import type { VirtualClock } from './clock.ts';
import { createFifo, type Fifo } from './fifo.ts';

/** One neighbour's blocks that wait for the uplink or are on it, in order. */
export type Line<T> = Fifo<Parcel<T>>;

/** A block on its way: its size and what it is. */
export interface Parcel<T> {
  readonly bytes: number;
  readonly item: T;
}

/** How an uplink chooses the next block: all in the order they came, or one of each neighbour in turn, as TCP shares. */
export type Sharing = 'fifo' | 'turns';

/** The sending side of a node's link. It serves one block at a time. */
export interface Uplink<T> {
  push(line: Line<T>, bytes: number, item: T): void;
}

/**
 * An uplink of `rate` bytes a second. `onSent` is told when a block's last byte has left; when it returns false, the
 * uplink stands still for ever. A line that is emptied from outside is passed over.
 */
export const createUplink = <T>(
  clock: VirtualClock,
  rate: number,
  sharing: Sharing,
  onSent: (item: T, bytes: number) => boolean,
): Uplink<T> => {
  const turns = createFifo<Line<T>>();
  let serving = false;

  const serve = (): void => {
    let line = turns.shift();
    while (line !== undefined && line.length === 0) line = turns.shift();
    serving = line !== undefined;
    if (line !== undefined) send(line, line.first as Parcel<T>);
  };

  const send = (line: Line<T>, { bytes, item }: Parcel<T>): void => {
    clock.after((bytes * 1000) / rate, () => {
      line.shift();
      if (sharing === 'turns' && line.length > 0) turns.push(line);
      if (onSent(item, bytes)) serve();
    });
  };

  return {
    push: (line, bytes, item) => {
      line.push({ bytes, item });
      if (sharing === 'fifo' || line.length === 1) turns.push(line);
      if (!serving) serve();
    },
  };
};

/**
 * The receiving side of a node's link: for a block whose last byte has just been sent, the milliseconds until that byte is
 * through. A block comes in while it goes out, so a link as fast as the sender's adds nothing unless others use it.
 */
export const createDownlink = (clock: VirtualClock, rate: number): Downlink => {
  let free = 0;
  return (bytes, sendingTook) => {
    const begun = Math.max(free, clock.now - sendingTook);
    free = Math.max(clock.now, begun + (bytes * 1000) / rate);
    return free - clock.now;
  };
};

export type Downlink = (bytes: number, sendingTook: number) => number;
