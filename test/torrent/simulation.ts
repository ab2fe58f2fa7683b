import { createBitfield } from '#torrent/bitfield.ts';
import { BLOCK_BYTES, type Geometry } from '#torrent/geometry.ts';
import { createSwarm, type Swarm } from '#torrent/swarm.ts';
import type { Effect, PeerKey, SwarmEvent } from '#torrent/swarm-event.ts';
import { createClock, type VirtualClock } from './clock.ts';

/**
 * Engines that talk to each other in virtual time. A node sends over an uplink of its own, block after block; everything
 * else takes only the latency. A block is one byte: 0 when it is right, 1 when a liar sent it.
 */
export interface NodeOptions {
  readonly complete?: boolean;
  /** Bytes a second. */
  readonly uplink: number;
  /** Sends wrong blocks. */
  readonly liar?: boolean;
  /** Speaks BEP 6; default true. */
  readonly fast?: boolean;
}

export interface SimNode {
  readonly name: number;
  readonly swarm: Swarm;
  readonly options: NodeOptions;
  alive: boolean;
  /** Takes orders but answers nothing more, like a host whose power is gone. */
  mute: boolean;
  completedAt: number | undefined;
  /** Wrong pieces found by hash. */
  wrong: number;
}

export interface Simulation {
  readonly clock: VirtualClock;
  readonly nodes: readonly SimNode[];
  /** A new node, not connected. */
  join(options: NodeOptions): SimNode;
  connect(left: SimNode, right: SimNode): void;
  /** The node is gone and all its neighbours notice. */
  kill(node: SimNode): void;
}

interface Side {
  readonly node: SimNode;
  readonly key: PeerKey;
}

const LATENCY_MS = 5;
const HASH_MS = 1;
const TICK_MS = 250;

/** An empty simulation. Rules that every engine must keep are checked as it runs, by throwing. */
export const createSimulation = (geometry: Geometry, random: () => number): Simulation => {
  const clock = createClock();
  const nodes: SimNode[] = [];
  const opposite = new Map<PeerKey, Side>(); // keys are unique in the whole simulation
  const stores = new Map<SimNode, Map<number, Map<number, number>>>(); // node -> piece -> offset -> first byte
  const uplinkFree = new Map<SimNode, number>();
  let lastKey = 0;

  const handle = (node: SimNode, event: SwarmEvent): void => {
    if (!node.alive || node.mute) return;
    for (const effect of node.swarm.handle(event, clock.now)) carryOut(node, effect, event);
  };

  const deliver = (key: PeerKey, delay: number, make: (peer: PeerKey) => SwarmEvent): void => {
    const side = opposite.get(key);
    if (side !== undefined) clock.after(delay, () => opposite.has(key) && handle(side.node, make(side.key)));
  };

  const carryOut = (node: SimNode, effect: Effect, cause: SwarmEvent): void => {
    switch (effect.type) {
      case 'send': {
        const { message } = effect;
        deliver(effect.peer, LATENCY_MS, (peer) => ({ type: 'message', peer, message }));
        break;
      }
      case 'upload':
        upload(node, effect);
        break;
      case 'store':
        if (cause.type !== 'message' || cause.message.type !== 'piece') throw new Error('store without a block');
        if (node.swarm.have.has(effect.piece)) throw new Error('stores into a piece that is done');
        storedPiece(node, effect.piece).set(effect.offset, cause.message.block[0] ?? 0);
        break;
      case 'check':
        check(node, effect.piece);
        break;
      case 'discard':
        stores.get(node)?.delete(effect.piece);
        break;
      case 'close':
        disconnect(effect.peer);
        break;
      case 'complete':
        if (node.completedAt !== undefined) throw new Error('complete twice');
        node.completedAt = clock.now;
    }
  };

  const storedPiece = (node: SimNode, piece: number): Map<number, number> => {
    const store = stores.get(node) as Map<number, Map<number, number>>;
    const known = store.get(piece) ?? new Map<number, number>();
    store.set(piece, known);
    return known;
  };

  const upload = (node: SimNode, { peer: key, piece, offset, length }: Extract<Effect, { type: 'upload' }>): void => {
    if (!node.swarm.have.has(piece)) throw new Error('serves a piece that is not verified');
    const sent = Math.max(clock.now, uplinkFree.get(node) ?? 0) + (length * 1000) / node.options.uplink;
    uplinkFree.set(node, sent);
    const block = new Uint8Array(length);
    if (node.options.liar) block[0] = 1;
    clock.after(sent - clock.now, () => handle(node, { type: 'uploaded', peer: key, bytes: length }));
    deliver(key, sent - clock.now + LATENCY_MS, (peer) => ({
      ...{ type: 'message', peer },
      message: { type: 'piece', piece, offset, block },
    }));
  };

  const check = (node: SimNode, piece: number): void => {
    const blocks = storedPiece(node, piece);
    for (let block = 0; block < geometry.blockCount(piece); block++) {
      if (!blocks.has(block * BLOCK_BYTES)) throw new Error('checks a piece that is not whole');
    }
    const ok = ![...blocks.values()].includes(1);
    stores.get(node)?.delete(piece);
    if (!ok) node.wrong++;
    clock.after(HASH_MS, () => handle(node, { type: 'checked', piece, ok }));
  };

  const disconnect = (key: PeerKey): void => {
    const side = opposite.get(key);
    if (side === undefined) return;
    opposite.delete(key);
    opposite.delete(side.key);
    clock.after(LATENCY_MS, () => handle(side.node, { type: 'disconnected', peer: side.key }));
  };

  const tick = (node: SimNode): void => {
    if (!node.alive) return;
    handle(node, { type: 'tick' });
    clock.after(TICK_MS, () => tick(node));
  };

  const join = (options: NodeOptions): SimNode => {
    const have = createBitfield(geometry.pieces, options.complete === true);
    const swarm = createSwarm({ geometry, random, have });
    const node = { name: nodes.length, swarm, options, alive: true, mute: false, completedAt: undefined, wrong: 0 };
    nodes.push(node);
    stores.set(node, new Map());
    clock.after(random() * TICK_MS, () => tick(node));
    return node;
  };

  return {
    ...{ clock, nodes, join },
    connect: (left, right) => {
      const here = ++lastKey;
      const there = ++lastKey;
      opposite.set(here, { node: right, key: there });
      opposite.set(there, { node: left, key: here });
      const fast = left.options.fast !== false && right.options.fast !== false;
      handle(left, { type: 'connected', peer: here, fast });
      handle(right, { type: 'connected', peer: there, fast });
    },
    kill: (node) => {
      node.alive = false;
      for (const [key, side] of opposite) if (side.node === node) disconnect(key);
    },
  };
};
