/** What a task has begun: an `await` that was forgotten must neither let the next task begin nor hide an error. */
export interface Unfinished {
  /** Keeps a promise in mind, and gives one like it to whoever asked for the work. @param host where it is done, if on a host */
  keep<T>(work: Promise<T>, host?: string): Promise<T>;
  /** Resolves when nothing is left of it, on that host or at all. */
  settled(host?: string): Promise<void>;
  /** The errors that nobody took, once all is settled. */
  untaken(): Promise<readonly unknown[]>;
}

export const makeUnfinished = (): Unfinished => {
  const begun = new Map<Promise<unknown>, string | undefined>();
  const errors: unknown[] = [];
  let open = true;
  const left = (host: string | undefined) =>
    [...begun].flatMap(([work, place]) => (host === undefined || host === place ? [work] : []));
  return {
    keep: (work, host) => {
      const given = work.then((value) => value); // its own promise: on this one it shows whether somebody takes an error
      claims.set(given, (error) => {
        if (open) errors.push(error);
        return open;
      });
      const forget = () => void begun.delete(work);
      begun.set(work, host);
      work.then(forget, forget);
      return given;
    },
    settled: async (host) => {
      for (let works = left(host); works.length > 0; works = left(host)) await Promise.allSettled(works);
    },
    untaken: async () => {
      await new Promise((resolve) => setImmediate(resolve)); // before that, Node has told of every rejection that nobody took
      open = false;
      return errors;
    },
  };
};

const claims = new WeakMap<Promise<unknown>, (error: unknown) => boolean>();

/** Whether the error of a promise that nobody took belongs to a task that still runs, whose failure it is then. */
export const isClaimed = (promise: Promise<unknown> | undefined, error: unknown): boolean =>
  promise !== undefined && claims.get(promise)?.(error) === true;
