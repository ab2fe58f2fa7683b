/** The turns of the event loop, as far as a peer has something to do in them. */
export interface Turn {
  /** Does something once all that has come with this turn has been taken. */
  atEnd(act: () => void): void;
  /** Does something at the end of the turn after this one, which follows in any case. */
  atNextEnd(act: () => void): void;
  /** So many bytes were taken in this turn. */
  took(bytes: number): void;
}

/** What happens between two turns. */
export type Rest = (bytes: number) => void;

/** Turns; after each that had something to do comes a `rest`, told the bytes taken. */
export const createTurn = (rest: Rest = () => {}): Turn => {
  let acts: (() => void)[] = [];
  let later: (() => void)[] = [];
  let taken = 0;
  let ending = false;

  const end = (): void => {
    const [due, bytes] = [acts, taken];
    [acts, later, taken, ending] = [later, [], 0, false];
    for (const act of due) act();
    rest(bytes);
    if (acts.length > 0) begin();
  };

  const begin = (): void => {
    if (ending) return;
    ending = true;
    setImmediate(end); // after all that the kernel had for this turn
  };

  return {
    atEnd: (act) => {
      acts.push(act);
      begin();
    },
    atNextEnd: (act) => {
      later.push(act);
      begin();
    },
    took: (bytes) => {
      taken += bytes;
      begin();
    },
  };
};
