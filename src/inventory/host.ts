import type { HostFacts } from '#recipe/remote.ts';

/** One host of the fleet with all that is needed to reach it. */
export interface Host extends HostFacts {
  readonly ssh: HostSsh;
}

export interface HostSsh {
  /** Private key files to offer, in order; absolute paths. */
  readonly identityFiles: readonly string[];
  /** True where the user named the key files: then a missing one is an error, and the agent is not asked. */
  readonly identityChosen: boolean;
  readonly knownHostsFiles: readonly string[];
  /** Socket of the agent; absent where none is to be asked. */
  readonly agent?: string;
  /** Seconds for TCP and the SSH handshake together. */
  readonly connectTimeout: number;
}

/** The hosts of one stage, in the order of the configuration. */
export type Inventory = readonly Host[];
