/** A queue: first in, first out. Made once and used for millions of items, so it is a ring that only grows. */
export interface Fifo<T> {
  readonly length: number;
  /** The next to leave; undefined when there is none. */
  readonly first: T | undefined;
  push(item: T): void;
  shift(): T | undefined;
  clear(): void;
}

/** An empty queue. */
export const createFifo = <T>(): Fifo<T> => {
  let ring: (T | undefined)[] = [undefined, undefined];
  let head = 0;
  let length = 0;

  const grow = (): void => {
    ring = [...ring.slice(head), ...ring.slice(0, head), ...new Array<T | undefined>(ring.length).fill(undefined)];
    head = 0;
  };

  return {
    get length() {
      return length;
    },
    get first() {
      return ring[head];
    },
    push: (item) => {
      if (length === ring.length) grow();
      ring[(head + length) & (ring.length - 1)] = item;
      length++;
    },
    shift: () => {
      const item = ring[head];
      if (length === 0) return undefined;
      ring[head] = undefined;
      head = (head + 1) & (ring.length - 1);
      length--;
      return item;
    },
    clear: () => {
      ring = [undefined, undefined];
      length = 0;
    },
  };
};
