/** What a task or its body on one host has begun: an `await` that was forgotten must not let the next task begin. */
export interface Unfinished {
  /** Keeps a promise in mind until it settles, and gives one like it. */
  keep<T>(work: Promise<T>): Promise<T>;
  /** Resolves when nothing is left. @throws the first error of what nobody had waited for so far */
  finish(): Promise<void>;
}

export const makeUnfinished = (): Unfinished => {
  const begun = new Set<Promise<unknown>>();
  return {
    keep: (work) => {
      const given = work.then((value) => value); // its own promise: whether somebody takes its error shows on this one
      const forget = () => void begun.delete(given);
      begun.add(given);
      work.then(forget, forget);
      return given;
    },
    finish: async () => {
      let failure: PromiseRejectedResult | undefined;
      while (begun.size > 0)
        for (const end of await Promise.allSettled(begun)) if (end.status === 'rejected') failure ??= end;
      if (failure) throw failure.reason;
    },
  };
};

/** Runs a body and waits for all that it has begun. @throws the body's own error, or else that of what it did not wait for */
export const toTheEnd = async (body: () => unknown, unfinished: readonly Unfinished[]): Promise<void> => {
  const ends = () => Promise.allSettled(unfinished.map(({ finish }) => finish()));
  try {
    await body();
  } catch (error) {
    await ends();
    throw error;
  }
  for (const end of await ends()) if (end.status === 'rejected') throw end.reason;
};
