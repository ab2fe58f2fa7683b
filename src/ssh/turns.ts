/** Takes logins in turn, those that share a way. */
export type Turns = <T>(way: string, login: () => Promise<T>) => Promise<T>;

/**
 * sshd hangs up on who has not logged in after two minutes (LoginGraceTime), and a person can answer one host at a time. So
 * the first login goes alone, and those after it go one by one as long as each may need an answer; all at once where they do not.
 */
export const makeTurns = (oneByOne: () => boolean): Turns => {
  const ways = new Map<string, Promise<boolean>>();
  return (way, login) =>
    new Promise((resolve, reject) => {
      const before = ways.get(way) ?? Promise.resolve(true);
      const next = before.then(async (alone) => {
        const done = login().then(resolve, reject);
        if (alone || oneByOne()) await done;
        return oneByOne();
      });
      ways.set(way, next);
    });
};
