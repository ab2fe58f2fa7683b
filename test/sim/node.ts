import type { Bitfield } from '#torrent/bitfield.ts';
import type { Swarm } from '#torrent/swarm.ts';
import type { PeerKey } from '#torrent/swarm-event.ts';
import type { Place } from '#torrent/zone.ts';
import type { Disk } from './disk.ts';
import type { Downlink, Line, Uplink } from './link.ts';

/** What a simulated host is like. */
export interface NodeOptions {
  readonly complete?: boolean;
  /** Pieces present at the start; taken over and changed. Default: none, or all of a complete one. */
  readonly have?: Bitfield;
  /** Reveals each piece to one neighbour at a time, as the deployer's seeder does. */
  readonly handsOut?: boolean;
  /** Bytes a second. */
  readonly uplink: number;
  /** Bytes a second. Default: as fast as the uplink. */
  readonly downlink?: number;
  /** Where it is: between hosts of different zones there is a link of its own, if the simulation has one. */
  readonly zone?: string;
  /** What its engine knows of that; default: nothing. */
  readonly place?: Place;
  /** Sends wrong blocks. */
  readonly liar?: boolean;
  /** Speaks BEP 6; default true. */
  readonly fast?: boolean;
}

/** A simulated host as tests see it. */
export interface SimNode {
  readonly name: number;
  readonly swarm: Swarm;
  readonly options: NodeOptions;
  alive: boolean;
  /** Hears and says nothing more, and its connections stay open, like a host whose power is gone. */
  mute: boolean;
  /** Milliseconds. */
  completedAt: number | undefined;
  /** Wrong pieces found by hash. */
  wrong: number;
}

/** A node with what is around its engine. */
export interface Host extends SimNode {
  readonly disk: Disk;
  /** Its open connections. */
  readonly ends: Set<End>;
  readonly uplink: Uplink<Flight>;
  readonly downlink: Downlink;
}

/** One node's side of a connection. */
export interface End {
  readonly host: Host;
  /** Even on one side, and one more on the other. */
  readonly key: PeerKey;
  readonly line: Line<Flight>;
  open: boolean;
}

/** A block that leaves by an end. */
export interface Flight {
  readonly from: End;
  readonly piece: number;
  readonly offset: number;
}
