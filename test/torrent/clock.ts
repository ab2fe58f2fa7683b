/** Virtual time: what is due happens in order, and the clock jumps to it. */
export interface VirtualClock {
  readonly now: number;
  /** Lets `act` happen `delay` milliseconds from now; among equals, first come first served. */
  after(delay: number, act: () => void): void;
  /** Goes on until `done` says so, nothing is left, or the time is over; true when `done`. */
  run(done: () => boolean, until: number): boolean;
}

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly act: () => void;
}

/** A clock at 0 on a binary heap. */
export const createClock = (): VirtualClock => {
  const heap: Entry[] = [];
  let now = 0;
  let order = 0;
  const before = (left: Entry, right: Entry): boolean =>
    left.at < right.at || (left.at === right.at && left.order < right.order);

  const push = (entry: Entry): void => {
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  };

  const pop = (): Entry | undefined => {
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  };

  return {
    get now() {
      return now;
    },
    after: (delay, act) => push({ at: now + delay, order: order++, act }),
    run: (done, until) => {
      while (!done()) {
        const next = pop();
        if (next === undefined || next.at > until) return false;
        now = next.at;
        next.act();
      }
      return true;
    },
  };
};
