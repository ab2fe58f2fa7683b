import { createBitfield } from '#torrent/bitfield.ts';
import type { Geometry } from '#torrent/geometry.ts';
import { createSwarm } from '#torrent/swarm.ts';
import type { Effect, PeerKey, SwarmEvent } from '#torrent/swarm-event.ts';
import { createClock, type VirtualClock } from './clock.ts';
import { createDisk } from './disk.ts';
import { createFifo } from './fifo.ts';
import { createDownlink, createUplink, type Downlink, type Parcel, type Sharing } from './link.ts';
import type { End, Flight, Host, NodeOptions, SimNode } from './node.ts';

/**
 * Engines that talk to each other in virtual time. A block takes time on the sender's uplink and on the receiver's
 * downlink, and the latency between; all other messages take the latency alone. The content of a block is one byte: 0
 * when it is right, 1 when a liar sent it. Rules that every engine must keep are checked on the way, by throwing.
 */
export interface Simulation {
  readonly clock: VirtualClock;
  readonly nodes: readonly SimNode[];
  /** Events that engines have handled, and nodes that have completed. */
  readonly totals: { readonly events: number; readonly completed: number };
  /** Payload bytes that went from a zone to another, by `from>to`. */
  readonly crossed: ReadonlyMap<string, number>;
  /** A new node, not connected. */
  join(options: NodeOptions): SimNode;
  connect(left: SimNode, right: SimNode): void;
  /** The node is gone and all its neighbours notice. */
  kill(node: SimNode): void;
}

export interface SimulationOptions {
  readonly geometry: Geometry;
  /** Numbers from 0 to 1, 1 excluded. */
  readonly random: () => number;
  /** Milliseconds from node to node; default 5. */
  readonly latency?: number;
  /** Bytes a second from each zone to each other; default: no limit. */
  readonly between?: number;
  /** How an uplink serves its neighbours; default 'turns'. */
  readonly sharing?: Sharing;
}

/** What comes over a connection; `peer` is the receiving end. */
type FromFar = Extract<SwarmEvent, { type: 'message' | 'disconnected' }>;

const HASH_MS = 1;
const TICK_MS = 100;

/** An empty simulation. */
export const createSimulation = (options: SimulationOptions): Simulation => {
  const { geometry, random, latency = 5, sharing = 'turns', between } = options;
  const clock = createClock();
  const nodes: Host[] = [];
  const ends: End[] = []; // by key: keys are unique in the whole simulation
  const totals = { events: 0, completed: 0 };
  const pipes = createPipes(clock, between);

  const handle = (host: Host, event: SwarmEvent): void => {
    if (!host.alive || host.mute) return;
    totals.events++;
    for (const effect of host.swarm.handle(event, clock.now)) carryOut(host, effect, event);
  };

  const carryOut = (host: Host, effect: Effect, cause: SwarmEvent): void => {
    switch (effect.type) {
      case 'send': {
        const to = ends[effect.peer ^ 1] as End;
        if (to.open) deliver({ type: 'message', peer: to.key, message: effect.message });
        break;
      }
      case 'upload': {
        const from = ends[effect.peer] as End;
        if (!host.swarm.have.has(effect.piece)) throw new Error('serves a piece that is not verified');
        if (from.open) host.uplink.push(from.line, effect.length, { from, piece: effect.piece, offset: effect.offset });
        break;
      }
      case 'store':
        store(host, cause);
        break;
      case 'check': {
        const ok = host.disk.check(effect.piece);
        if (!ok) host.wrong++;
        answer({ host, event: { type: 'checked', piece: effect.piece, ok } });
        break;
      }
      case 'discard':
        host.disk.discard(effect.piece);
        break;
      case 'close':
        disconnect(ends[effect.peer] as End);
        break;
      case 'complete':
        if (host.completedAt !== undefined) throw new Error('complete twice');
        host.completedAt = clock.now;
        totals.completed++;
    }
  };

  const deliver = clock.lane(latency, (event: FromFar) => {
    const { open, host } = ends[event.peer] as End;
    if (open || event.type === 'disconnected') handle(host, event);
  });

  const answer = clock.lane(HASH_MS, ({ host, event }: { host: Host; event: SwarmEvent }) => handle(host, event));

  const tick = clock.lane(TICK_MS, (host: Host) => {
    handle(host, { type: 'tick' });
    if (host.alive && !host.mute) tick(host);
  });

  const store = ({ swarm, disk }: Host, cause: SwarmEvent): void => {
    if (cause.type !== 'message' || cause.message.type !== 'piece') throw new Error('store without a block');
    const { piece, offset, block } = cause.message;
    if (swarm.have.has(piece)) throw new Error('stores into a piece that is done');
    disk.store(piece, offset / geometry.blockBytes, block[0] === 1);
  };

  const blockOf = createBlocks();

  /** A block has left an uplink: it goes on to the receiver's downlink. False when there is no sender any more. */
  const passOn = ({ from, piece, offset }: Flight, bytes: number): boolean => {
    const { host } = from;
    const to = ends[from.key ^ 1] as End;
    if (!host.alive || host.mute) return false;
    if (!from.open) return true;
    const message = { type: 'piece', piece, offset, block: blockOf(bytes, host.options.liar === true) } as const;
    const sendingTook = (bytes * 1000) / host.options.uplink;
    const arrive = (): void =>
      clock.after(latency + to.host.downlink(bytes, sendingTook), () => {
        if (to.open) handle(to.host, { type: 'message', peer: to.key, message });
      });
    const pipe = pipes.between(host.options.zone, to.host.options.zone);
    if (pipe === undefined) arrive();
    else clock.after(pipe(bytes, sendingTook), arrive);
    handle(host, { type: 'uploaded', peer: from.key, bytes });
    return true;
  };

  const disconnect = (end: End): void => {
    if (!end.open) return;
    const far = ends[end.key ^ 1] as End;
    for (const side of [end, far]) {
      side.open = false;
      side.line.clear();
      side.host.ends.delete(side);
    }
    deliver({ type: 'disconnected', peer: far.key });
  };

  const join = (given: NodeOptions): SimNode => {
    const { complete = false, handsOut = false, uplink, downlink = uplink } = given;
    const { have = createBitfield(geometry.pieces, complete) } = given;
    const { place } = given;
    const swarmOptions = { geometry, random, have, handsOut, ...(place ? { place } : {}) };
    const host: Host = {
      ...{ name: nodes.length, options: given, alive: true, mute: false, completedAt: undefined, wrong: 0 },
      swarm: createSwarm(swarmOptions),
      disk: createDisk(geometry),
      ends: new Set(),
      uplink: createUplink(clock, uplink, sharing, passOn),
      downlink: createDownlink(clock, downlink),
    };
    nodes.push(host);
    clock.after(random() * TICK_MS, () => tick(host));
    return host;
  };

  const connect = (left: SimNode, right: SimNode): void => {
    const sides = [left as Host, right as Host].map((host, side) => createEnd(host, ends.length + side));
    ends.push(...sides);
    const fast = left.options.fast !== false && right.options.fast !== false;
    for (const { host, key } of sides) handle(host, { type: 'connected', peer: key, fast });
    for (const { host, key } of sides) {
      const { place } = (ends[key ^ 1] as End).host.options;
      if (place !== undefined) handle(host, { type: 'placed', peer: key, zone: place.name });
    }
  };

  const kill = (node: SimNode): void => {
    node.alive = false;
    for (const end of [...(node as Host).ends]) disconnect(end);
  };

  return { clock, nodes, totals, crossed: pipes.crossed, join, connect, kill };
};

/** The links between zones, made as they are used. */
const createPipes = (clock: VirtualClock, rate: number | undefined) => {
  const pipes = new Map<string, Downlink>();
  const crossed = new Map<string, number>();
  return {
    crossed,
    between: (from: string | undefined, to: string | undefined): Downlink | undefined => {
      if (rate === undefined || from === undefined || to === undefined || from === to) return undefined;
      const name = `${from}>${to}`;
      const pipe = pipes.get(name) ?? createDownlink(clock, rate);
      pipes.set(name, pipe);
      return (bytes, sendingTook) => {
        crossed.set(name, (crossed.get(name) ?? 0) + bytes);
        return pipe(bytes, sendingTook);
      };
    },
  };
};

const createEnd = (host: Host, key: PeerKey): End => {
  const end = { host, key, line: createFifo<Parcel<Flight>>(), open: true };
  host.ends.add(end);
  return end;
};

/** Contents of blocks, one memory for all that are alike. */
const createBlocks = (): ((bytes: number, wrong: boolean) => Uint8Array) => {
  const made = new Map<number, Uint8Array>();
  return (bytes, wrong) => {
    const kind = wrong ? -bytes : bytes;
    const block = made.get(kind) ?? new Uint8Array(bytes).fill(wrong ? 1 : 0, 0, 1);
    made.set(kind, block);
    return block;
  };
};
