/** A rate in the making: bytes seen at a time (ms), and the smoothed rate (bytes/s) once there are two such points. */
export interface Meter {
  readonly at: number;
  readonly bytes: number;
  readonly rate: number | undefined;
}

/** A meter that starts at this point. */
export const startMeter = (at: number, bytes: number): Meter => ({ at, bytes, rate: undefined });

/** The meter after a new reading of the same counter; readings closer than 400 ms change nothing. */
export const readMeter = (meter: Meter, at: number, bytes: number): Meter => {
  const seconds = (at - meter.at) / 1000;
  if (seconds < 0.4) return meter;
  const latest = Math.max(0, bytes - meter.bytes) / seconds;
  const weight = Math.min(1, 0.4 * (1 + seconds));
  return { at, bytes, rate: meter.rate === undefined ? latest : meter.rate + weight * (latest - meter.rate) };
};

/** The rate to show at `now`: a counter that stands still for over two seconds falls off. */
export const rateAt = (meter: Meter, now: number): number | undefined => {
  if (meter.rate === undefined) return undefined;
  const silence = (now - meter.at) / 1000;
  return silence <= 2 ? meter.rate : meter.rate / (silence - 1);
};
