import type { HostFacts } from '#recipe/remote.ts';

/** One host of the fleet with all that is needed to reach it. */
export interface Host extends HostFacts {
  readonly ssh: HostSsh;
}

/** Somebody to log in to: a host, or one on the way to it. */
export interface Target {
  /** As it was written: what ssh_config was asked for. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly ssh: HostSsh;
}

/** How to log in: deploy.config.ts first, then the user's ssh_config, then the system's, then defaults. */
export interface HostSsh {
  /** The name that ssh_config is asked for. */
  readonly alias: string;
  /** Private key files to offer, in order; absolute paths. */
  readonly identityFiles: readonly string[];
  /** True where deploy.config.ts names the key files: then a missing one is an error, and the agent's other keys are not offered. */
  readonly identityChosen: boolean;
  /** Offers no key of the agent that is not one of `identityFiles`. */
  readonly identitiesOnly: boolean;
  /** In the order in which they are read; a new key is written to the first. */
  readonly knownHostsFiles: readonly string[];
  /** Name that known_hosts has for the host, where it is not its address. */
  readonly hostKeyAlias?: string | undefined;
  readonly hostKeyChecking: 'strict' | 'accept-new';
  /** Writes names into known_hosts as hashes. */
  readonly hashKnownHosts: boolean;
  /** Socket of the agent; absent where none is to be asked. */
  readonly agent?: string | undefined;
  /** Socket of the agent that commands on the host may use; absent: none. */
  readonly forwardedAgent?: string | undefined;
  /** Seconds for TCP and the SSH handshake together. */
  readonly connectTimeout: number;
  /** Seconds to wait for a host to come back whose connection was lost; 0: it is not waited for. */
  readonly reconnectTimeout: number;
  /** Seconds of silence after which the host is asked for a sign of life, 0 for never, and how many may stay unanswered. */
  readonly aliveInterval: number;
  readonly aliveCountMax: number;
  /** The last of those that the connection goes through; the one before it is its own `via`. */
  readonly via?: Target | undefined;
  /** Command of this machine that carries the connection; tokens are replaced. */
  readonly proxyCommand?: string | undefined;
  /** Address of this machine to connect from. */
  readonly bindAddress?: string | undefined;
  /** Addresses of this family alone. */
  readonly family?: 4 | 6 | undefined;
  /** Asks nobody for a password or passphrase. */
  readonly batch: boolean;
  /** Ways to log in that are switched off. */
  readonly without: readonly ('publickey' | 'password' | 'keyboard-interactive')[];
  /** Lists as ssh_config has them, with `+`, `-` and `^`. */
  readonly algorithms: Readonly<Partial<Record<'Ciphers' | 'KexAlgorithms' | 'MACs' | 'HostKeyAlgorithms', string>>>;
  /** Every setting with its value and its origin, for people. */
  readonly settings: readonly SshSetting[];
  /** What ssh_config sets for this host and Rookery does not do. */
  readonly unsupported: readonly UnsupportedSetting[];
}

export interface SshSetting {
  /** In ssh_config's words: `Port`. */
  readonly name: string;
  readonly value: string;
  /** `/home/ann/.ssh/config:12`, `deploy.config: ssh.port`, `deploy.config: hosts`, `environment` or `default`. */
  readonly from: string;
}

export interface UnsupportedSetting extends SshSetting {
  /** `ssh.transport: 'openssh'` does it. */
  readonly byOpenSsh: boolean;
}

/** The hosts of one stage, in the order of the configuration. */
export type Inventory = readonly Host[];
