/**
 * Who connects to whom, drawn before the start: for each host, by its place in `zones`, the places of its neighbours, never
 * itself. Inside a zone, which may be the whole fleet, a few hosts are a full mesh: a piece then reaches everybody in two
 * steps. Of more, everybody has as many neighbours as everybody else, in a graph of small diameter that stays connected when
 * hosts fail: the union of random rings through all of them. Hosts with many neighbours would be asked for more than their
 * link carries. Between zones there are two neighbours a host, of few hosts where the other zone is small: the gateways.
 */
export interface Neighbours {
  /** By place. */
  readonly of: readonly ReadonlySet<number>[];
  /** For a gateway which one it is of its zone's, from 0, and how many they are. */
  readonly gateways: ReadonlyMap<number, readonly [number, number]>;
}

/** Draws them; `zones` names the zone of each host, undefined where it has none, which is a zone like any other. */
export const drawNeighbours = (zones: readonly (string | undefined)[], random: () => number): Neighbours => {
  const neighbours = zones.map(() => new Set<number>());
  const join = (left: number, right: number): void => {
    if (left === right) return;
    neighbours[left]!.add(right);
    neighbours[right]!.add(left);
  };
  const groups = [...new Set(zones)].map((zone) => zones.flatMap((other, place) => (other === zone ? [place] : [])));
  for (const group of groups) joinAll(group, join, random);
  const gates = groups.length > 1 ? joinZones(groups, join, random) : new Set<number>();
  const gateways = groups.flatMap((group) => {
    const those = group.filter((place) => gates.has(place));
    return those.map((place, index) => [place, [index, those.length]] as const);
  });
  return { of: neighbours, gateways: new Map(gateways) };
};

/** The places of those that connect to the seeder: all in a fleet of up to 40 hosts, 40 by chance in a larger one. */
export const drawSeederNeighbours = (hosts: number, random: () => number): ReadonlySet<number> =>
  new Set(shuffled([...Array(hosts).keys()], random).slice(0, SEEDER_NEIGHBOURS));

const MESH = 20;
const RINGS = 5;
const SEEDER_NEIGHBOURS = 40;

/** Other zones that a zone has neighbours in, beyond which pieces come from zone to zone. */
const NEXT_ZONES = 3;

/** Neighbours that a host of a small zone has in a large one, at most. */
const MAX_FAR = 8;

type Join = (left: number, right: number) => void;

const joinAll = (group: readonly number[], join: Join, random: () => number): void => {
  if (group.length > MESH) {
    for (let ring = 0; ring < RINGS; ring++) {
      const places = shuffled(group, random);
      for (const [at, place] of places.entries()) join(place, places[(at + 1) % places.length]!);
    }
  } else for (const [at, left] of group.entries()) for (const right of group.slice(0, at)) join(left, right);
};

/** Joins each zone with the next few, in a circle; returns the hosts that have a neighbour in another one. */
const joinZones = (zones: readonly (readonly number[])[], join: Join, random: () => number): ReadonlySet<number> => {
  const gates = new Set<number>();
  const groups = shuffled(
    zones.map((group) => shuffled(group, random)),
    random,
  );
  for (const [at, group] of groups.entries()) {
    for (let step = 1; step <= NEXT_ZONES && step < groups.length; step++) {
      const other = groups[(at + step) % groups.length]!;
      const pairs = Math.min(Math.max(group.length, other.length), MAX_FAR * Math.min(group.length, other.length));
      for (let pair = 0; pair < pairs; pair++) {
        const [left, right] = [group[pair % group.length]!, other[(pair + step) % other.length]!];
        join(left, right);
        gates.add(left).add(right);
      }
    }
  }
  return gates;
};

const shuffled = <T>(items: readonly T[], random: () => number): T[] => {
  const order = [...items];
  for (let at = order.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [order[at], order[other]] = [order[other]!, order[at]!];
  }
  return order;
};
