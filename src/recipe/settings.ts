/** What a recipe may know of the configuration: every value resolved, nothing optional that has a default. */
export interface DeploySettings {
  readonly application: string;
  readonly stage: string;
  readonly strategy: 'torrent' | 'sftp';
  /** Published releases to keep on every host, the current one among them. */
  readonly keepReleases: number;
  /** Files and directories of `shared/` that every release links to, relative paths. */
  readonly linkedFiles: readonly string[];
  readonly linkedDirs: readonly string[];
  /** What a command may take where the recipe does not say. */
  readonly limits: CommandLimits;
  readonly failurePolicy: FailurePolicy;
}

/** Seconds; absent: no limit. */
export interface CommandLimits {
  readonly timeout?: number;
  readonly idleTimeout?: number;
}

/** Which failures of hosts a run takes in its stride. */
export interface FailurePolicy {
  readonly onFailure: 'stop' | 'continue';
  /** A number of hosts, or a share as '10%', rounded down. */
  readonly maxFailures?: number | string;
}
