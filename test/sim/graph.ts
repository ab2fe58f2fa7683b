/** Who connects to whom: pairs of host numbers, the higher first, each pair once. */
export type Graph = readonly (readonly [number, number])[];

/** Every host connects to `degree` earlier ones, all of them when there are no more: as `swarm/neighbours.ts` has it. */
export const connectEarlier = (size: number, degree: number, random: () => number): Graph => {
  const pairs: [number, number][] = [];
  for (let host = 0; host < size; host++) {
    for (const earlier of sample(host, degree, random)) pairs.push([host, earlier]);
  }
  return pairs;
};

/**
 * Some cycles through all hosts, each in an order of its own: everybody has about `degree` neighbours, and any two are few
 * steps apart. In a graph that grows, the first have many times the neighbours of the last, who get what the crowded can spare.
 */
export const connectCycles = (size: number, degree: number, random: () => number): Graph => {
  if (size <= degree + 1) return connectEarlier(size, size, random);
  const pairs = new Map<number, [number, number]>();
  for (let cycle = 0; cycle < degree / 2; cycle++) {
    const order = shuffle(size, random);
    for (const [at, host] of order.entries()) {
      const next = order[(at + 1) % size] as number;
      const pair: [number, number] = [Math.max(host, next), Math.min(host, next)];
      pairs.set(pair[0] * size + pair[1], pair);
    }
  }
  return [...pairs.values()];
};

/** Some of the numbers below `size`, each at most once. */
const sample = (size: number, count: number, random: () => number): Iterable<number> => {
  if (size <= count) return Array.from({ length: size }, (_, index) => index);
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(Math.floor(random() * size));
  return chosen;
};

/** The numbers below `size` in any order. */
const shuffle = (size: number, random: () => number): number[] => {
  const order = Array.from({ length: size }, (_, index) => index);
  for (let last = size - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other] as number, order[last] as number];
  }
  return order;
};
