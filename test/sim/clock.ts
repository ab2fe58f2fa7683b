import { createFifo } from './fifo.ts';

/** Virtual time: what is due happens in order, and the clock jumps to it. Times are milliseconds. */
export interface VirtualClock {
  readonly now: number;
  /** Lets `act` happen `delay` from now; among equals, first come first served. */
  after(delay: number, act: () => void): void;
  /** A way for many things that all take equally long: they need no sorting. Returns what sends an item on it. */
  lane<T>(delay: number, act: (item: T) => void): (item: T) => void;
  /** Goes on until `done` says so, nothing is left, or the time is over; true when `done`. */
  run(done: () => boolean, until: number): boolean;
}

/** What is next somewhere: the heap or a lane. */
interface Source {
  /** When its next item is due; infinity when it has none. */
  next: number;
  /** Carries out that item. */
  step(): void;
}

/** A clock at 0. Things due at the same moment happen heap first, then lane by lane. */
export const createClock = (): VirtualClock => {
  let now = 0;
  const heap = createHeap();
  const sources: Source[] = [heap];

  const lane = <T>(delay: number, act: (item: T) => void): ((item: T) => void) => {
    const times = createFifo<number>();
    const items = createFifo<T>();
    const source: Source = {
      next: Number.POSITIVE_INFINITY,
      step: () => {
        times.shift();
        const item = items.shift() as T;
        source.next = times.first ?? Number.POSITIVE_INFINITY;
        act(item);
      },
    };
    sources.push(source);
    return (item) => {
      times.push(now + delay);
      items.push(item);
      if (items.length === 1) source.next = now + delay;
    };
  };

  const run = (done: () => boolean, until: number): boolean => {
    while (!done()) {
      let soonest: Source = heap;
      for (const source of sources) if (source.next < soonest.next) soonest = source;
      if (soonest.next > until || soonest.next === Number.POSITIVE_INFINITY) return false;
      now = soonest.next;
      soonest.step();
    }
    return true;
  };

  return {
    get now() {
      return now;
    },
    after: (delay, act) => heap.push(now + delay, act),
    ...{ lane, run },
  };
};

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly act: () => void;
}

/** Things due at any time, on a binary heap. */
const createHeap = (): Source & { push(at: number, act: () => void): void } => {
  const entries: Entry[] = [];
  let order = 0;
  const before = (left: Entry, right: Entry): boolean =>
    left.at < right.at || (left.at === right.at && left.order < right.order);

  const rise = (entry: Entry): void => {
    let at = entries.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, entries[parent]!)) break;
      entries[at] = entries[parent]!;
      at = parent;
    }
    entries[at] = entry;
  };

  /** Puts an entry in place of the first. */
  const sink = (entry: Entry): void => {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= entries.length) break;
      if (child + 1 < entries.length && before(entries[child + 1]!, entries[child]!)) child++;
      if (!before(entries[child]!, entry)) break;
      entries[at] = entries[child]!;
      at = child;
    }
    entries[at] = entry;
  };

  const heap = {
    next: Number.POSITIVE_INFINITY,
    push: (at: number, act: () => void) => {
      rise({ at, order: order++, act });
      heap.next = entries[0]!.at;
    },
    step: () => {
      const first = entries[0]!;
      const last = entries.pop()!;
      if (entries.length > 0) sink(last);
      heap.next = entries[0]?.at ?? Number.POSITIVE_INFINITY;
      first.act();
    },
  };
  return heap;
};
