import { createRate } from '#torrent/rate.ts';
import type { Rest } from './turn.ts';

/**
 * On links of some ten Mbit/s every packet wakes the peer, and waking up costs it several times what there is to do then: its
 * code and data have left the processor's caches. So between two turns it sleeps for NAP_MS, while the kernel
 * gathers packets: two fifths of the processor time are saved. Less where more than GATHERED_BYTES would come in the
 * meantime, so fast links never wait. It is wide awake while it begins and while it ends, for a late
 * message makes late those that follow from it, and when it has everything, since whoever still needs something is the last.
 */
const NAP_MS = 20;
const SHORTEST_MS = 2;
const GATHERED_BYTES = 64 * 1024;
const BEGIN_MS = 500;
const END_SECONDS = 0.75;

export interface NapOptions {
  /** Milliseconds, never going back. */
  readonly now: () => number;
  /** Bytes of the content that are not here. */
  readonly left: () => number;
  /** Does nothing for so many milliseconds. */
  readonly sleep: (ms: number) => void;
}

/** Naps of a peer that has just started. */
export const createNaps = ({ now, left, sleep }: NapOptions): Rest => {
  const rate = createRate();
  let begunAt: number | undefined;

  return (bytes) => {
    const time = now();
    rate.add(bytes, time);
    begunAt ??= time;
    const perSecond = rate.perSecond(time);
    if (time - begunAt < BEGIN_MS || left() < perSecond * END_SECONDS) return;
    const nap = Math.min(NAP_MS, (GATHERED_BYTES * 1000) / perSecond);
    if (nap >= SHORTEST_MS) sleep(nap);
  };
};

/** Stops the whole program for so long. */
export const sleepSoundly = (ms: number): void => void Atomics.wait(clock, 0, 0, ms);

const clock = new Int32Array(new SharedArrayBuffer(4));
