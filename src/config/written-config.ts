import type { Recipe } from '#recipe/recipe.ts';
import type { RoleName } from '#recipe/roles.ts';
import type { Setting } from '#recipe/setting.ts';

/** What may be written in deploy.config.ts. Every key but `application`, `source` and `stages` has a default. */
export interface WrittenConfig<R extends readonly Recipe[] = readonly Recipe[]> extends StageSettings<R> {
  /** Name of the application: letters, digits, `.`, `_`, `-`. */
  readonly application: string;
  /** What is deployed: `git({ref})`, `dir(path)` or `archive(path)`. */
  readonly source: Source;
  /** Where to: a name, as in `deploy production`, and its hosts. */
  readonly stages: Readonly<Record<string, WrittenStage<R>>>;
}

/** A stage: its hosts, and any top-level key with another value. */
export interface WrittenStage<R extends readonly Recipe[] = readonly Recipe[]>
  extends Omit<StageSettings<R>, 'recipes'> {
  /** In place of those of the top level. */
  readonly recipes?: readonly Recipe[];
  readonly hosts: Sandbox | readonly (string | WrittenHost)[];
  readonly application?: string;
  readonly source?: Source;
}

/** The keys that are allowed at the top level and in a stage alike. */
export interface StageSettings<R extends readonly Recipe[] = readonly Recipe[]> {
  /** Absolute path on the hosts. @default `/var/www/<application>` */
  readonly deployTo?: string;
  /** Commands to run locally before packing: in the checked-out commit for git, otherwise beside the config file. */
  readonly build?: string | readonly string[];
  /** How the bytes reach the hosts. @default 'torrent' */
  readonly strategy?: 'torrent' | 'sftp';
  /** Published releases to keep on a host. @default 5 */
  readonly keepReleases?: number;
  /** Files of `shared/` to link into every release; they must exist. @default [] */
  readonly linkedFiles?: readonly string[];
  /** Directories of `shared/` to link into every release. @default [] */
  readonly linkedDirs?: readonly string[];
  readonly ssh?: WrittenSsh;
  readonly swarm?: WrittenSwarm;
  /** Tasks and hooks of your own, and ready-made recipes. @default [] */
  readonly recipes?: R;
  /** Values for settings of recipes, by name: `set: { 'puma.workers': 3 }`. */
  readonly set?: SettingsOf<R>;
  /** What a run does when a host fails before the release is published: stop and undo everything, or go on without it. @default 'stop' */
  readonly onFailure?: 'stop' | 'continue';
  /** How many hosts may fail while the run goes on without them: 3, or '10%' (rounded down). At least one host has to be left. @default 0 */
  readonly maxFailures?: number | string;
  /** Seconds that a command may take. @default no limit */
  readonly commandTimeout?: number;
  /** Seconds that a command may run without any output. @default no limit */
  readonly commandIdleTimeout?: number;
}

/** The settings that these recipes declare, each with its type. */
export type SettingsOf<R extends readonly Recipe[]> = {
  readonly [S in R[number]['settings'][number] as S['name']]?: S extends Setting<string, infer T> ? T : never;
};

/** What leads to a host. Where a key is absent, ssh_config is asked, then the default is taken. */
export interface WrittenLogin {
  /** @default the local user's name */
  readonly user?: string;
  /** @default 22 */
  readonly port?: number;
  /** Private keys to log in with, and no others. @default the SSH agent, then ~/.ssh/id_ed25519, id_ecdsa, id_rsa */
  readonly identityFile?: string | readonly string[];
  /** @default ['~/.ssh/known_hosts', '/etc/ssh/ssh_known_hosts'] */
  readonly knownHostsFile?: string | readonly string[];
  /** Hosts to go through, in order, each as `user@bastion:port`; false: none. @default none */
  readonly proxyJump?: string | readonly string[] | false;
  /** Command of this machine that carries the connection, with `%h`, `%p` and `%r`; false: none. @default none */
  readonly proxyCommand?: string | false;
}

export interface WrittenSsh extends WrittenLogin {
  /** What speaks SSH: Rookery itself, or the program `ssh`, which knows certificates, FIDO keys and whatever else ssh_config asks of it. @default 'built-in' */
  readonly transport?: 'built-in' | 'openssh';
  /** Seconds for connecting and logging in. @default 20 */
  readonly connectTimeout?: number;
  /** Seconds to wait for a host to come back whose connection was lost while nothing ran there; 0: it has failed at once. @default 120 */
  readonly reconnectTimeout?: number;
  /** ssh_config files to read; false: none. @default ['~/.ssh/config', '/etc/ssh/ssh_config'] */
  readonly configFile?: string | readonly string[] | false;
  /** What happens to a host whose key is not known: it is refused, or its key is added to known_hosts. @default 'strict' */
  readonly hostKeyChecking?: 'strict' | 'accept-new';
  /** Socket of the SSH agent; false: none. @default SSH_AUTH_SOCK */
  readonly identityAgent?: string | false;
  /** Lends the agent to commands on the hosts. @default false */
  readonly forwardAgent?: boolean;
}

export interface WrittenSwarm {
  /** TCP ports that peers and seeder listen on, `first-last`. @default '42000-42999' */
  readonly ports?: string;
  /** Networks in which the hosts reach each other, as CIDRs: a host is called at its own address in there. @default they call the addresses that SSH uses */
  readonly network?: string | readonly string[];
  /** How hosts reach this machine: at its address, through the SSH connections, or, by default, whichever works. @default 'auto' */
  readonly reach?: 'auto' | 'direct' | 'ssh';
  /** Seconds without a new byte after which a host has failed. @default 60 */
  readonly stallTimeout?: number;
  /** Bytes of all copies together from which a swarm is worth its start; less goes straight to each host over SSH. 0: always a swarm. @default 3000000 */
  readonly minBytes?: number;
  /** What runs the peer on a host: its own Node where that is fit and otherwise one that is sent, its own alone, or always one that is sent. @default 'auto' */
  readonly runtime?: 'auto' | 'host' | 'bundled';
  /** Only the hosts of the run can join its swarm, by a key that they get over SSH, and all that they send each other is encrypted. @default true */
  readonly encryption?: boolean;
}

/** One host, or several where `host` holds a range such as `web[01:20].example.com`. */
export interface WrittenHost extends WrittenLogin {
  readonly host: string;
  /** Name that known_hosts has for the host. @default its address */
  readonly hostKeyAlias?: string;
  /** @default ['app'] */
  readonly roles?: readonly RoleName[];
  readonly primary?: boolean;
  /** Takes part in tasks, but gets no release. @default false */
  readonly noRelease?: boolean;
  /** Anything that recipes may want to know of the host: `host.properties`. */
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly zone?: string;
  /** Address under which the other hosts reach this one. @default the address that SSH connects to */
  readonly peerAddress?: string;
  readonly deployTo?: string;
}

/** Embedded SSH hosts on loopback, made for the run. */
export interface Sandbox {
  readonly kind: 'sandbox';
  readonly count: number;
  /** Directory that holds the hosts' own root directories. @default `.rookery/sandbox/<stage>` beside the config file */
  readonly root?: string;
}

export type Source = GitSource | DirSource | ArchiveSource;

export interface GitSource {
  readonly kind: 'git';
  /** Branch, tag or commit. @default 'HEAD' */
  readonly ref?: string;
  /** Path of a local repository, or a URL. @default the repository of the config file */
  readonly repository?: string;
  /** Ship only this directory of the repository. */
  readonly directory?: string;
  /** Whether submodules, and theirs, are part of it. @default true */
  readonly submodules?: boolean;
}

export interface DirSource {
  readonly kind: 'dir';
  readonly path: string;
}

export interface ArchiveSource {
  readonly kind: 'archive';
  /** A .tar, .tar.gz or .tgz file. */
  readonly path: string;
}
