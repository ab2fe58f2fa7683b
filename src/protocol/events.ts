/**
 * What a run tells, as it happens: the vocabulary between everything that works and everything that reports.
 * `--format json` prints these objects as they are, one a line. Times are seconds, sizes are bytes, `at` is ISO 8601.
 */
export type DeployEvent = DeployFact & { readonly at: string };

/** Takes events as they happen; never throws and never waits. */
export type Emit = (fact: DeployFact) => void;

export type DeployFact =
  | {
      type: 'run-start';
      application: string;
      stage: string;
      task: string;
      hosts: readonly string[];
      tasks: readonly string[];
    }
  | { type: 'host-connected'; host: string; seconds: number }
  | { type: 'host-failed'; host: string; error: HostError }
  | { type: 'task-start'; task: string; description: string; hosts: readonly string[] }
  | { type: 'task-end'; task: string; ok: boolean; seconds: number; detail?: string }
  /** `command` is its name for people, `text` what the host's shell gets. */
  | { type: 'command-start'; host: string; task: string; command: string; text: string }
  /** A dry run: what a real one would do here; `reads` marks what changes nothing, and is done in a dry run, too. */
  | { type: 'command-planned'; host: string; task: string; command: string; text: string; reads: boolean }
  | { type: 'command-output'; host: string; task: string; stream: 'stdout' | 'stderr'; text: string }
  | {
      type: 'command-end';
      host: string;
      task: string;
      command: string;
      exitCode: number | null;
      signal: string | null;
      seconds: number;
      /** Another exit code than 0 is an answer, or whoever talked to the program tells what it means. */
      mayFail?: true;
    }
  | { type: 'local-output'; command: string; stream: 'stdout' | 'stderr'; text: string }
  | {
      type: 'transfer-start';
      bytes: number;
      pieces: number;
      strategy: 'torrent' | 'sftp';
      /** Present where the artifact is so small that it goes straight to every host, whatever the strategy. */
      via?: 'ssh';
      hosts: readonly string[];
    }
  | ({ type: 'transfer-progress'; host: string } & TransferProgress)
  | { type: 'transfer-end'; seconds: number; seederUploaded: number }
  /** What a host answered to a question of the user's: shown whole, also where the output of commands is not. */
  | { type: 'output'; host: string; stream: 'stdout' | 'stderr'; text: string }
  | { type: 'host-releases'; host: string; releases: readonly ListedRelease[] }
  | ({ type: 'pending' } & Pending)
  | { type: 'notice'; level: 'info' | 'warning'; message: string; host?: string }
  | ({ type: 'summary' } & Summary);

/** One release on a host, for the table of `releases`. */
export interface ListedRelease {
  readonly name: string;
  readonly current: boolean;
  readonly state: 'building' | 'ready' | 'published' | 'failed' | 'bad' | 'foreign';
  readonly revision?: string;
  readonly by?: string;
  /** ISO 8601. */
  readonly at?: string;
}

/** What a deploy would bring to the hosts that serve the same revision. */
export interface Pending {
  readonly hosts: readonly string[];
  /** The revision that they serve. */
  readonly from?: string;
  /** The revision that a deploy would bring. */
  readonly to: string;
  /** How people call it: `Branch main`. */
  readonly label: string;
  /** The commits that a deploy would bring, newest first, */
  readonly commits?: readonly Commit[];
  /** and those that it would take away. */
  readonly dropped?: readonly Commit[];
  /** Why there are no commits to show. */
  readonly without?: 'nothing-served' | 'no-revision' | 'unknown-revision' | 'no-history';
}

export interface Commit {
  readonly revision: string;
  readonly subject: string;
}

/** How far one host is: `pieces` of `transfer-start`'s pieces are verified there; `downloaded` and `uploaded` count payload bytes. */
export interface TransferProgress {
  readonly pieces: number;
  readonly bytes: number;
  readonly downloaded: number;
  readonly uploaded: number;
  readonly done: boolean;
}

/** Why a host failed, as a value: it is collected, shown in a table and printed as JSON, never thrown first-one-wins. */
export interface HostError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly task: string;
  readonly command?: string;
  readonly exitCode?: number | null;
  readonly signal?: string | null;
  /** The last lines that the command printed. */
  readonly output?: string;
}

/** The classes of failure of a host. Scripts may branch on them. */
export type ErrorCode =
  | 'connect'
  | 'host-key'
  | 'auth'
  | 'connection-lost'
  | 'command'
  | 'signal'
  | 'timeout'
  | 'check'
  | 'locked'
  | 'runtime'
  | 'transfer'
  | 'verify'
  | 'disk-full'
  | 'permission'
  | 'interrupted'
  | 'bug';

export type HostStatus = 'published' | 'unchanged' | 'failed' | 'reverted' | 'skipped';

export interface HostSummary {
  readonly host: string;
  readonly status: HostStatus;
  readonly seconds: number;
  readonly downloaded: number;
  readonly uploaded: number;
  readonly reused: number;
  readonly error?: HostError;
  /** Set where the switch began and could not be undone: the host may serve the new release. */
  readonly notReverted?: true;
}

/** The last event of every run, also after a failure or an interrupt. */
export interface Summary {
  readonly ok: boolean;
  readonly exitCode: number;
  readonly application: string;
  readonly stage: string;
  readonly task: string;
  readonly release?: string;
  readonly revision?: string;
  readonly seconds: number;
  readonly artifact?: { readonly bytes: number; readonly files: number };
  readonly swarm?: { readonly seconds: number; readonly seederUploaded: number };
  readonly hosts: readonly HostSummary[];
  /** Set for a run that finishes the last one: the hosts that it did not touch serve the release already. */
  readonly onlyFailed?: true;
  /** Why the run failed as a whole, where the cause is not a host's (a ref that does not exist, a build that failed). */
  readonly error?: { readonly message: string };
}
