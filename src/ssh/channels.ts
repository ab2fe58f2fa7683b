/**
 * The channels of one connection. sshd has MaxSessions of them, and says only by refusing when it has no more: who is refused
 * waits until one of ours has closed. The first in the queue asks again now and then as well, since sshd lets go of a
 * session a moment after we hear of its end, and a limit that was learned too low would never be unlearned.
 */
export interface Channels {
  /** Opens one. Rejects with what `attempt` rejects with, but with a refusal only where no other channel is open. */
  open<C>(attempt: Attempt<C>): Promise<C>;
}

/** Asks for a channel; tells when one has opened, with what resolves at its end. */
export type Attempt<C> = (opened: (closed: Promise<unknown>) => void) => Promise<C>;

/**
 * @param isRefusal tells the host's no to one channel more from other errors
 * @param makeRoom closes a channel that nobody needs, where there is one
 */
export const makeChannels = (isRefusal: (error: unknown) => boolean, makeRoom: () => void): Channels => {
  let open = 0;
  let queued = 0;
  let queue: Promise<unknown> = Promise.resolve();
  let wake = () => {};

  const once = <C>(attempt: Attempt<C>): Promise<C> =>
    attempt((closed) => {
      open += 1;
      void closed.then(() => {
        open -= 1;
        wake();
      });
    });
  const orUndefined = async <C>(attempt: Attempt<C>): Promise<C | undefined> => {
    try {
      return await once(attempt);
    } catch (error) {
      if (isRefusal(error)) {
        makeRoom();
        return undefined;
      }
      throw error;
    }
  };
  const insist = async <C>(attempt: Attempt<C>): Promise<C> => {
    for (let alone = 0; alone < TRIES_ALONE; alone = open === 0 ? alone + 1 : 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ASK_AGAIN);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      const channel = await orUndefined(attempt);
      if (channel) return channel;
    }
    return once(attempt);
  };
  const inTurn = <C>(attempt: Attempt<C>): Promise<C> => {
    queued += 1;
    const opening = queue
      .then(() => insist(attempt))
      .finally(() => {
        queued -= 1;
      });
    queue = opening.catch(() => {});
    return opening;
  };
  return {
    open: async (attempt) => (queued === 0 ? await orUndefined(attempt) : undefined) ?? inTurn(attempt),
  };
};

/** Milliseconds after which the first in the queue asks again, and how often it does so where none of ours is open. */
const ASK_AGAIN = 200;
const TRIES_ALONE = 5;
