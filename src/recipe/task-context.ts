import type { HostError, ListedRelease } from '#protocol/events.ts';
import type { Command } from '#protocol/shell.ts';
import type { HostState, ReleaseFacts } from './host-state.ts';
import type { PlacedContent } from './placed-content.ts';
import type { Remote } from './remote.ts';
import type { RoleName } from './roles.ts';
import type { Ask, Fetch, Setting } from './setting.ts';
import type { DeploySettings } from './settings.ts';
import type { SwarmSteps } from './swarm-steps.ts';
import type { TaskHost } from './task-host.ts';

/** What a task's body works with. Destructure what you need: `run: ({ on, hosts }) => on(hosts, …)`. */
export interface TaskContext {
  readonly settings: DeploySettings;
  /** The hosts of this task: selected, of the right role, and still in the run when it began. */
  readonly hosts: readonly TaskHost[];
  /** The hosts of the run that have one of these roles, in the order of the configuration; `'all'` is every one. @throws UserError for a role that no host has anywhere */
  readonly roles: (...names: readonly (RoleName | 'all')[]) => readonly TaskHost[];
  /** The host of the role that is marked `primary`, or else the first of them. */
  readonly primary: (role?: RoleName | 'all') => TaskHost | undefined;
  readonly deployment: Deployment;
  /** Runs the body on the hosts that are still in the run, all at once or as the options say, and waits for all of them. */
  readonly on: On;
  /** Runs a command on this machine, in the directory of the configuration. @throws UserError when it fails */
  readonly runLocally: (command: Command, options?: LocalOptions) => Promise<string>;
  /** The value of a setting, computed when it is first asked for. */
  readonly fetch: Fetch;
  /** Gives a setting another value for the rest of the run. */
  readonly set: <T>(setting: Setting<string, T>, value: T) => void;
  /** Asks the person at the terminal. @throws UserError where there is none, and no default */
  readonly ask: Ask;
  /** Runs another task now, with its steps and hooks, as often as it is invoked (Capistrano: the first time only). */
  readonly invoke: (task: string) => Promise<void>;
  /** Masks a value in every output from now on, that of commands included. Returns it. */
  readonly secret: (value: string) => string;
  /** True in a dry run: commands are told, not run. What a recipe does apart from hosts, it should leave then. */
  readonly dryRun: boolean;
  /** Hosts that have failed so far, and why. */
  readonly failures: () => ReadonlyMap<string, HostError>;
  /** Records errors that were collected elsewhere, by host name. Throws, as `on` does, when the run cannot go on. */
  readonly fail: (errors: ReadonlyMap<string, Omit<HostError, 'task'>>) => void;
  /** The tasks that follow run on these hosts alone, up to the end of the task that this one is a step of, or of the run. */
  readonly only: (hosts: readonly Remote[], until?: 'end') => void;
  /** Records what has become of a host, for the summary. */
  readonly mark: (remote: Remote, status: 'published' | 'reverted' | 'unchanged') => void;
  /** Shows a host's answer to the user, whole. */
  readonly answer: (remote: Remote, answer: Answer) => void;
  /** A few words shown beside the task when it is done: `30.1 MB, 2,000 files`. */
  readonly detail: (text: string) => void;
  readonly warn: (message: string, remote?: Remote) => void;
}

/**
 * A host whose body throws has failed: it is out of the rest of the run, and the others finish. Then the call throws,
 * unless the run may go on without the hosts that failed (`--max-failures`).
 */
export interface On {
  (hosts: readonly TaskHost[], body: (host: TaskHost) => Promise<unknown>): Promise<void>;
  (hosts: readonly TaskHost[], options: OnOptions, body: (host: TaskHost) => Promise<unknown>): Promise<void>;
}

export interface OnOptions {
  /** All at once, one after the other, or so many at a time with a barrier after each group. @default 'parallel' */
  readonly in?: 'parallel' | 'sequence' | 'groups';
  /** How many at once: a number, or a share as '25%', rounded up. @default all in parallel, 2 in groups */
  readonly limit?: number | `${number}%`;
  /** Seconds between two hosts of a sequence or two groups. @default 0 (Capistrano: 2) */
  readonly wait?: number;
  /** Runs on one host only: the primary one, or the first. @default false */
  readonly once?: boolean;
  /** Whether a failed host keeps the hosts that have not begun yet from beginning. @default when the run may not go on without it */
  readonly stopOnFailure?: boolean;
  /** What is done between two groups, after the wait; it throws to stop. */
  readonly between?: (group: readonly TaskHost[]) => Promise<unknown>;
}

export interface LocalOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Changes nothing: a dry run runs it. @default false */
  readonly reads?: boolean;
}

export type Answer =
  | { readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | { readonly releases: readonly ListedRelease[] };

/** The one release that a run makes or returns to, and the stages that its tasks call upon. */
export interface Deployment {
  /** UTC time as YYYYMMDDHHMMSS, Capistrano's form. @throws until the hosts were inspected */
  readonly release: string;
  /** Whether `release` is known. */
  readonly decided: boolean;
  /** Who deploys: the local user's name. */
  readonly by: string;
  /** What was asked for by `--release`: the release to go back to. */
  readonly wanted?: string;
  /** What was found on a host at the start. @throws when the hosts were not inspected yet. */
  readonly state: (host: string) => HostState;
  /** Notes that a host serves a release, and what was recorded with it. */
  readonly publish: (host: string, release: string, records: readonly ReleaseFacts[]) => void;
  /** Notes that what `distribute` brings has its place on a host. */
  readonly placed: (host: string) => void;
  /** What a host holds since this run has published there; undefined before. */
  readonly afterwards: (host: string) => HostState | undefined;
  /** Looks at every host; with `prepare` it also creates what a deploy needs there and decides the name of the release. */
  readonly inspect: (t: TaskContext, prepare: boolean) => Promise<void>;
  /** Makes the artifact from the source, once; later calls return the same one. */
  readonly artifact: () => Promise<ArtifactFacts>;
  /** Brings the artifact to the hosts, verified, by the configured strategy. */
  readonly swarm: SwarmSteps;
  /** Where the artifact is on a host once it is there. */
  readonly incoming: (deployTo: string) => string;
  /** What `distribute` brings; absent in all other runs. */
  readonly content?: PlacedContent;
  /** Tells what a deploy would bring to the hosts. */
  readonly pending: (t: TaskContext) => Promise<void>;
  /** Locks the hosts of the task, or none of them, until deploy:unlock. */
  readonly lock: (t: TaskContext) => Promise<void>;
  /** Makes an earlier release the one that this run publishes: what a rollback returns to. */
  readonly returnTo: (release: string) => void;
  /** False for a release that was there before this run, which must not be removed when the run fails. */
  readonly fresh: boolean;
}

export interface ArtifactFacts {
  readonly bytes: number;
  readonly files: number;
  /** 40 hex digits: the commit, or for other sources the first 40 of the artifact's SHA-256. */
  readonly revision: string;
  /** Seconds since 1970, the commit's time or the time of packing. */
  readonly revisionTime: number;
  /** How people call it: a branch, a directory, a file name. */
  readonly label: string;
}
