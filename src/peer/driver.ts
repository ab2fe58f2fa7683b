import type { Geometry } from '#torrent/geometry.ts';
import { createSwarm, type Swarm } from '#torrent/swarm.ts';
import type { Effect, PeerKey, SwarmEvent } from '#torrent/swarm-event.ts';
import type { Place } from '#torrent/zone.ts';
import type { LentBlock } from './chunk-cache.ts';
import type { DiskStore } from './disk-store.ts';
import type { Links } from './links.ts';

/** Brings events to the swarm and carries out what it answers. */
export interface Driver {
  readonly swarm: Swarm;
  handle(event: SwarmEvent): void;
}

export interface DriverOptions {
  readonly geometry: Geometry;
  readonly store: DiskStore;
  /** The deployer's seeder: sends about one copy, and leaves the rest to the fleet. */
  readonly handsOut: boolean;
  readonly place?: Place;
  readonly links: () => Links;
  readonly random: () => number;
  readonly now: () => number;
  /** Every piece is on disk. */
  onComplete(): void;
  /** The disk refused; the peer cannot go on. */
  onFailure(error: unknown): void;
}

/** A swarm over a store and connections. */
export const createDriver = (options: DriverOptions): Driver => {
  const { geometry, store, handsOut, links, random, now } = options;
  const { place } = options;
  const swarm = createSwarm({ geometry, random, have: store.have, handsOut, ...(place ? { place } : {}) });
  const waiting: SwarmEvent[] = [];
  let busy = false;

  // Carrying out an effect may itself be an event, as a connection's end is: such events wait for their turn.
  const handle = (event: SwarmEvent): void => {
    waiting.push(event);
    if (busy) return;
    busy = true;
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      for (const effect of swarm.handle(next, now())) carryOut(effect, next);
    }
    busy = false;
  };

  const carryOut = (effect: Effect, cause: SwarmEvent): void => {
    switch (effect.type) {
      case 'send':
        links().send(effect.peer, effect.message);
        break;
      case 'upload':
        upload(effect.peer, effect.piece, effect.offset, effect.length);
        break;
      case 'store':
        if (cause.type === 'message' && cause.message.type === 'piece') {
          store.put(effect.piece, effect.offset, cause.message.block);
        }
        break;
      case 'check':
        commit(effect.piece);
        break;
      case 'discard':
        store.discard(effect.piece);
        break;
      case 'close':
        links().close(effect.peer, effect.reason);
        break;
      case 'complete':
        options.onComplete();
    }
  };

  const commit = (piece: number): void => {
    const tell = (ok: boolean): void => handle({ type: 'checked', piece, ok });
    const ok = store.commit(piece);
    if (ok instanceof Promise) ok.then(tell).catch(options.onFailure);
    else tell(ok);
  };

  const upload = (peer: PeerKey, piece: number, offset: number, length: number): void => {
    const lend = (block: LentBlock): void => {
      const connection = links().get(peer);
      if (connection === undefined) block.giveBack();
      else connection.sendBlock(piece, offset, block.bytes, block.giveBack);
    };
    const block = store.read(piece, offset, length);
    if (block instanceof Promise) block.then(lend, options.onFailure);
    else lend(block);
  };

  return { swarm, handle };
};
