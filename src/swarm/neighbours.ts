import type { PeerAddress } from '#protocol/control.ts';

/**
 * Who connects to whom. A newcomer is told of those who came before it, all of them in a small fleet, in a large one a
 * random few (the graph stays connected: everybody after the first has at least one earlier neighbour).
 */
export const chooseNeighbours = (earlier: readonly PeerAddress[], random: () => number): PeerAddress[] => {
  if (earlier.length <= MOST) return [...earlier];
  const pool = [...earlier];
  return Array.from({ length: MOST }, () => pool.splice(Math.floor(random() * pool.length), 1)[0] as PeerAddress);
};

/** Connections that one peer opens at the most; it accepts about as many. */
const MOST = 20;
