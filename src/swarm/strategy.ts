import type { Artifact } from '#artifact/artifact.ts';
import type { Emit, HostError } from '#protocol/events.ts';
import { CommandFailed, type Remote } from '#recipe/remote.ts';

/** A way to bring one artifact to many hosts. All implementations end the same way: a verified file at `path` on every host that has no error. */
export interface Strategy {
  readonly name: 'torrent' | 'sftp' | 'stream';
  /** Prepares a transfer; nothing runs yet. */
  open(job: Distribution): Transfer;
}

/** One artifact on its way, in the steps that recipes hook around; a strategy without a tracker or a seeder has nothing to do in theirs. */
export interface Transfer {
  track(): Promise<void>;
  seed(): Promise<void>;
  /** Resolves when every one of these hosts, which are some of the job's, has its verdict. Those that have a copy serve it until `stop`. */
  fetch(targets: readonly Target[]): Promise<DistributionResult>;
  /** Does on every host what `fetch` would, with hosts that only tell: a dry run. */
  rehearse(targets: readonly Target[], isCached: IsCached): Promise<void>;
  /** Ends whatever runs; it may be called at any time, and again. */
  stop(): Promise<void>;
}

export interface Distribution {
  readonly artifact: Artifact;
  readonly targets: readonly Target[];
  /** First and last TCP port for peers and seeder. */
  readonly ports: readonly [number, number];
  /** How the hosts reach tracker and seeder: at this machine's address, through their SSH connections, or as it turns out. */
  readonly reach: 'auto' | 'direct' | 'ssh';
  /** Networks in which the hosts reach each other, as CIDRs; empty: they are at the addresses that SSH uses. */
  readonly network: readonly string[];
  /** 32 bytes that only this swarm has: it is encrypted, and nobody else can join. Absent: anybody can, and can read it. */
  readonly key?: Uint8Array;
  /** Seconds without a new byte after which a host has failed. */
  readonly stallTimeout: number;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/** Whether a host keeps this file of our own programs. */
export type IsCached = (host: string, file: string) => boolean;

export interface Target {
  readonly remote: Remote;
  /** Absolute path on the host that the artifact is to have. */
  readonly path: string;
  /** Absolute path of the program that runs the peer there; absent: the host's own Node. */
  readonly node?: string;
  /** Brings one in place of the host's own Node where that does not run the peer. Resolves to its path; undefined where there is none. */
  readonly insteadOfNode?: () => Promise<string | undefined>;
  /** Absolute directory on the host where programs are kept from deploy to deploy. */
  readonly cache: string;
}

export interface DistributionResult {
  /** Seconds from the first host's start until the last host held a verified copy. */
  readonly seconds: number;
  /** Payload bytes that this machine sent. */
  readonly seederUploaded: number;
  /** Host name -> payload bytes moved there. */
  readonly traffic: ReadonlyMap<string, { readonly downloaded: number; readonly uploaded: number }>;
  /** Host name -> why it holds no verified copy. */
  readonly errors: ReadonlyMap<string, TransferError>;
}

export type TransferError = Omit<HostError, 'task'>;

/** What a transfer over SSH that was thrown off tells of the host. */
export const asTransferError = (error: unknown): TransferError =>
  error instanceof CommandFailed ? error.facts : { code: 'transfer', message: (error as Error).message };
