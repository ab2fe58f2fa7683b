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
}
