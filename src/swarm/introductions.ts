import type { PeerAddress, Unreachable } from '#protocol/control.ts';

/**
 * Who is told to call whom. A host that begins to listen calls the seeder and those of its neighbours that listen already.
 * Where it does not get through, the other one calls it, and spare addresses are tried: one open direction is enough. A
 * host with no neighbour left lives on the seeder.
 */
export interface Introductions {
  listens(place: number, addresses: Called): void;
  /** A host that was told to call an address does not reach it. */
  unreachable(place: number, address: PeerAddress, reason: Unreachable): void;
  /** A host has no way to the seeder: where it was one of those that connect to it, another one does so in its stead. */
  withoutSeeder(place: number): void;
}

/** Addresses of a peer: those to try, and more for when they fail. */
export interface Called {
  readonly likely: readonly PeerAddress[];
  readonly spare: readonly PeerAddress[];
}

export interface IntroductionsOptions {
  /** For each host, by its place. */
  readonly neighbours: readonly ReadonlySet<number>[];
  /** Hosts that connect to the seeder. */
  readonly ofSeeder: ReadonlySet<number>;
  seeder(place: number): PeerAddress;
  order(place: number, peers: readonly PeerAddress[]): void;
  /** A host does not reach the seeder at the address that was told. */
  lostSeeder(place: number, address: PeerAddress, reason: Unreachable): void;
  /** A host does not reach another, told once. */
  closed(from: number, to: number, port: number, reason: Unreachable): void;
  /** A host has no way to any of its neighbours, nor they to it. */
  alone(place: number): void;
}

/** Nobody listens yet. */
export const createIntroductions = (options: IntroductionsOptions): Introductions => {
  const { neighbours } = options;
  const ofSeeder = new Set(options.ofSeeder);
  let vacant = 0; // places at the seeder for those who listen next
  const listening: (Called | undefined)[] = [];
  const told = neighbours.map(() => new Map<string, number>()); // by caller: whose an address is
  const open = new Map<string, Set<string>>(); // by pair: addresses that may still answer
  const cut = neighbours.map(() => new Set<number>());
  const lonely = new Set<number>();

  /** Notes that a host is told of another's addresses; returns those that are new to it. */
  const note = (from: number, to: number, addresses: readonly PeerAddress[]): PeerAddress[] => {
    const fresh = addresses.filter((address) => !told[from]!.has(nameOf(address)));
    const waiting = open.get(`${from} ${to}`) ?? new Set();
    for (const address of fresh) {
      told[from]!.set(nameOf(address), to);
      waiting.add(nameOf(address));
    }
    open.set(`${from} ${to}`, waiting);
    return fresh;
  };
  const callSeeder = (place: number): PeerAddress[] => note(place, SEEDER, [options.seeder(place)]);
  const send = (place: number, peers: readonly PeerAddress[]): void => {
    if (peers.length > 0) options.order(place, peers);
  };

  const close = (from: number, to: number, port: number, reason: Unreachable): void => {
    const back = open.get(`${to} ${from}`);
    if (back?.size === 0) {
      separate(from, to);
      return;
    }
    if (back === undefined) {
      options.closed(from, to, port, reason);
      const caller = listening[from]!;
      send(to, note(to, from, [...caller.likely, ...caller.spare]));
    }
    send(from, note(from, to, listening[to]!.spare));
  };

  const separate = (left: number, right: number): void => {
    for (const [one, other] of [
      [left, right],
      [right, left],
    ] as const) {
      cut[one]!.add(other);
      const there = [...neighbours[one]!].filter((neighbour) => listening[neighbour] !== undefined);
      if (!there.every((neighbour) => cut[one]!.has(neighbour))) continue;
      if (!lonely.has(one)) options.alone(one);
      lonely.add(one);
      send(one, callSeeder(one));
    }
  };

  return {
    listens: (place, addresses) => {
      if (vacant > 0 && !ofSeeder.has(place)) {
        vacant -= 1;
        ofSeeder.add(place);
      }
      const earlier = [...neighbours[place]!].filter((other) => listening[other] !== undefined);
      listening[place] = addresses;
      const calls = earlier.flatMap((other) => note(place, other, listening[other]!.likely));
      send(place, [...(ofSeeder.has(place) ? callSeeder(place) : []), ...calls]);
    },
    unreachable: (place, address, reason) => {
      const to = told[place]!.get(nameOf(address));
      if (to === undefined) return;
      const waiting = open.get(`${place} ${to}`)!;
      if (!waiting.delete(nameOf(address)) || waiting.size > 0) return;
      if (to === SEEDER) options.lostSeeder(place, address, reason);
      else close(place, to, address.port, reason);
    },
    withoutSeeder: (place) => {
      if (!ofSeeder.has(place)) return;
      const next = listening.findIndex((addresses, other) => addresses !== undefined && !ofSeeder.has(other));
      if (next === -1) vacant += 1;
      else {
        ofSeeder.add(next);
        send(next, callSeeder(next));
      }
    },
  };
};

const SEEDER = -1;

const nameOf = ({ host, port }: PeerAddress): string => `${host} ${port}`;
