/** Rates of a fleet's links in Mbit/s, the same up and down; Infinity for a link without a limit. */
export interface Links {
  readonly origin: number;
  readonly hosts: readonly number[];
  /** Rate between two zones, of which the first has the origin and the first half of the hosts; absent: there is one zone. */
  readonly between?: number;
}

/** Whether a host, by its index, is in the second zone. */
export const isFar = ({ hosts, between }: Links, index: number): boolean =>
  between !== undefined && index >= Math.ceil(hosts.length / 2);

/**
 * Seconds that no tool can go below: the origin sends every byte once, each host receives every byte, and what all
 * receive together has been sent by somebody; with zones, every byte crosses once. Raw rates: headers alone cost 4.6 % on top.
 */
export const lowerBound = (bytes: number, { origin, hosts, between = Number.POSITIVE_INFINITY }: Links): number => {
  const bits = bytes * 8e-6;
  const all = origin + hosts.reduce((sum, rate) => sum + rate, 0);
  return Math.max(bits / origin, bits / between, bits / Math.min(...hosts), (hosts.length * bits) / all);
};

export const isShaped = (rate: number): boolean => Number.isFinite(rate);
