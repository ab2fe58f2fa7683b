import type { Recipe } from '#recipe/recipe.ts';
import type { DeploySettings } from '#recipe/settings.ts';
import type { Sandbox, Source, WrittenHost, WrittenSsh } from './written-config.ts';

/** The configuration of one stage with every default filled in. */
export interface Config extends DeploySettings {
  /** Directory of the config file: relative paths start here. */
  readonly directory: string;
  /** Absolute path on the hosts. */
  readonly deployTo: string;
  readonly source: Source;
  readonly build: readonly string[];
  readonly hosts: Sandbox | readonly WrittenHost[];
  /** What was written alone: the user's ssh_config and the defaults come after it. Paths are absolute. */
  readonly ssh: SshChoices;
  readonly swarm: {
    readonly ports: readonly [number, number];
    readonly stallTimeout: number;
    readonly reach: 'auto' | 'direct' | 'ssh';
    readonly network: readonly string[];
    /** Less than this, all copies together, goes straight to each host over SSH. */
    readonly minBytes: number;
    readonly runtime: 'auto' | 'host' | 'bundled';
    readonly encryption: boolean;
  };
  readonly recipes: readonly Recipe[];
  /** Values for settings of recipes, as written. */
  readonly set: Readonly<Record<string, unknown>>;
  /** Every role that a host of any stage has. */
  readonly roles: readonly string[];
}

export interface SshChoices extends Omit<WrittenSsh, 'configFile' | 'identityFile' | 'knownHostsFile' | 'proxyJump'> {
  /** Absent: the user's and the system's; empty: none. */
  readonly configFile?: readonly string[];
  readonly identityFile?: readonly string[];
  readonly knownHostsFile?: readonly string[];
  /** Empty: none. */
  readonly proxyJump?: readonly string[];
}

/** What of the surroundings the configuration depends on. */
export interface Surroundings {
  readonly user: string;
  readonly home: string;
  readonly directory: string;
}
