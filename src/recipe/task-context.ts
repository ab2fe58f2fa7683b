import type { HostError, ListedRelease } from '#protocol/events.ts';
import type { HostState } from './host-state.ts';
import type { PlacedContent } from './placed-content.ts';
import type { Remote } from './remote.ts';
import type { DeploySettings } from './settings.ts';
import type { SwarmSteps } from './swarm-steps.ts';

/** What a task's body works with. Destructure what you need: `run: ({ on, hosts }) => on(hosts, …)`. */
export interface TaskContext {
  readonly settings: DeploySettings;
  /** The hosts of this task: selected, of the right role, and still in the run. */
  readonly hosts: readonly Remote[];
  readonly deployment: Deployment;
  /**
   * Runs the body on every host at once and waits for all of them. A host whose body throws has failed: the others
   * finish, then the task fails with every host's error.
   */
  readonly on: (hosts: readonly Remote[], body: (remote: Remote) => Promise<unknown>) => Promise<void>;
  /** Records errors that were collected elsewhere, by host name. Throws, as `on` does, when there are any. */
  readonly fail: (errors: ReadonlyMap<string, Omit<HostError, 'task'>>) => void;
  /** The tasks that follow run on these hosts alone. */
  readonly only: (hosts: readonly Remote[]) => void;
  /** Records what has become of a host, for the summary. */
  readonly mark: (remote: Remote, status: 'published' | 'reverted' | 'unchanged') => void;
  /** Shows a host's answer to the user, whole. */
  readonly answer: (remote: Remote, answer: Answer) => void;
  /** A few words shown beside the task when it is done: `30.1 MB, 2,000 files`. */
  readonly detail: (text: string) => void;
  readonly warn: (message: string, remote?: Remote) => void;
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
