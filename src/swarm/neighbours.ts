/**
 * Who connects to whom, drawn before the start: for each of `hosts`, by its place, the places of its neighbours, never
 * itself. A small fleet is a full mesh: a piece then reaches everybody in two steps. In a larger one everybody has as many
 * neighbours as everybody else, in a graph of small diameter that stays connected when hosts fail: the union of random
 * rings through all hosts. Hosts with many neighbours would be asked for more than their link carries.
 */
export const drawNeighbours = (hosts: number, random: () => number): readonly ReadonlySet<number>[] => {
  const neighbours = Array.from({ length: hosts }, () => new Set<number>());
  const join = (left: number, right: number): void => {
    if (left === right) return;
    neighbours[left]!.add(right);
    neighbours[right]!.add(left);
  };
  const rings = hosts <= MESH ? [] : Array.from({ length: RINGS }, () => shuffledPlaces(hosts, random));
  for (const ring of rings) for (const [at, place] of ring.entries()) join(place, ring[(at + 1) % hosts]!);
  if (hosts <= MESH)
    for (let left = 0; left < hosts; left++) for (let right = 0; right < left; right++) join(left, right);
  return neighbours;
};

/** The places of those that connect to the seeder: all in a fleet of up to 40 hosts, 40 by chance in a larger one. */
export const drawSeederNeighbours = (hosts: number, random: () => number): ReadonlySet<number> =>
  new Set(shuffledPlaces(hosts, random).slice(0, SEEDER_NEIGHBOURS));

const MESH = 20;
const RINGS = 5;
const SEEDER_NEIGHBOURS = 40;

const shuffledPlaces = (hosts: number, random: () => number): number[] => {
  const places = Array.from({ length: hosts }, (_, place) => place);
  for (let at = hosts - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [places[at], places[other]] = [places[other]!, places[at]!];
  }
  return places;
};
