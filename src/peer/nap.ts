import { createRate } from '#torrent/rate.ts';
import type { Rest } from './turn.ts';

/**
 * On links of some ten Mbit/s every packet wakes the peer, and waking up costs it several times what there is to do then: its
 * code and data have left the processor's caches. So between two turns it sleeps while the kernel gathers EACH_BYTES for every
 * connection, NAP_MS at most, which saves up to two fifths of the processor time. Where that much comes in less
 * than SHORTEST_MS, as on fast links and with few neighbours, it gains little and never waits. It is wide awake while it begins and
 * while it ends, for a late message makes late those that follow from it, and when it has everything, since whoever still
 * needs something is the last.
 */
const EACH_BYTES = 16 * 1024;
const NAP_MS = 40;
const SHORTEST_MS = 5;
const BEGIN_MS = 500;
const END_SECONDS = 0.75;

export interface NapOptions {
  /** Milliseconds, never going back. */
  readonly now: () => number;
  /** Bytes of the content that are not here. */
  readonly left: () => number;
  /** Connections. */
  readonly links: () => number;
  /** Does nothing for so many milliseconds. */
  readonly sleep: (ms: number) => void;
}

/** Naps of a peer that has just started. */
export const createNaps = ({ now, left, links, sleep }: NapOptions): Rest => {
  const rate = createRate();
  let begunAt: number | undefined;

  return (bytes) => {
    const time = now();
    rate.add(bytes, time);
    begunAt ??= time;
    const perSecond = rate.perSecond(time);
    if (time - begunAt < BEGIN_MS || left() < perSecond * END_SECONDS) return;
    const nap = Math.min(NAP_MS, (EACH_BYTES * links() * 1000) / perSecond);
    if (nap >= SHORTEST_MS) sleep(nap);
  };
};

/** Stops the whole program for so long. */
export const sleepSoundly = (ms: number): void => void Atomics.wait(clock, 0, 0, ms);

const clock = new Int32Array(new SharedArrayBuffer(4));
