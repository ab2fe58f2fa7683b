import type { TaskContext } from './task-context.ts';

/** The steps in which an artifact comes to the hosts, in this order. By `sftp` some of them have nothing to do. */
export interface SwarmSteps {
  /** Packs the artifact, unless that has happened already, and makes its torrent. */
  readonly create: (t: TaskContext) => Promise<void>;
  /** Brings a program that can run the peer to the hosts that have none. */
  readonly runtime: (t: TaskContext) => Promise<void>;
  /** Starts the tracker, on this machine. */
  readonly track: (t: TaskContext) => Promise<void>;
  /** Starts the seeder, on this machine. */
  readonly seed: (t: TaskContext) => Promise<void>;
  /** Every host fetches the artifact, and serves it to the others until `stop`. */
  readonly fetch: (t: TaskContext) => Promise<void>;
  /** Ends peers, seeder and tracker. */
  readonly stop: () => Promise<void>;
  /** What runs the peer on a host that was looked at, in words. */
  readonly runtimeOf: (host: string) => string;
  /** Tries whether hosts and this machine reach each other as a transfer needs it. By `sftp` it has nothing to do. */
  readonly check: (t: TaskContext) => Promise<void>;
  /** Removes the packed artifact from this machine. */
  readonly clean: () => Promise<void>;
}
