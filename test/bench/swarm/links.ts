/** Rates of a fleet's links in Mbit/s, the same up and down; Infinity for a link without a limit. */
export interface Links {
  readonly origin: number;
  readonly hosts: readonly number[];
}

/**
 * Seconds that no tool can go below: the origin sends every byte once, each host receives every byte, and what all
 * receive together has been sent by somebody. Raw rates: headers alone cost 4.6 % on top.
 */
export const lowerBound = (bytes: number, { origin, hosts }: Links): number => {
  const bits = bytes * 8e-6;
  const all = origin + hosts.reduce((sum, rate) => sum + rate, 0);
  return Math.max(bits / origin, bits / Math.min(...hosts), (hosts.length * bits) / all);
};

export const isShaped = (rate: number): boolean => Number.isFinite(rate);
