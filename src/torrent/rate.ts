/** Bytes a second over the last moments, older ones fading out. Starts at 0 and rises as fast as bytes come. */
export interface Rate {
  add(bytes: number, now: number): void;
  perSecond(now: number): number;
}

const FADE_MS = 500;

/** An estimate that forgets two thirds of its past every half second; times are milliseconds. */
export const createRate = (): Rate => {
  let recent = 0;
  let at = 0;
  const fade = (now: number): void => {
    recent *= Math.exp((at - now) / FADE_MS);
    at = now;
  };
  return {
    add: (bytes, now) => {
      if (now > at) fade(now);
      recent += bytes;
    },
    perSecond: (now) => {
      if (now > at) fade(now);
      return (recent * 1000) / FADE_MS;
    },
  };
};
