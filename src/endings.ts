/** What has to be undone when a run ends, however it ends: the last thing begun is ended first, and each gets its turn. */
export type Endings = ReturnType<typeof makeEndings>;

/** Nothing to undo yet. */
export const makeEndings = () => {
  const endings: (() => Promise<unknown> | unknown)[] = [];
  return {
    add: (ending: () => Promise<unknown> | unknown): void => void endings.push(ending),
    run: async (): Promise<void> => {
      const errors: unknown[] = [];
      for (const ending of endings.reverse()) {
        await Promise.resolve()
          .then(ending)
          .catch((error) => errors.push(error));
      }
      if (errors.length > 0) throw errors[0];
    },
  };
};
