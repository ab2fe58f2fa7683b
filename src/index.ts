/** The public API: what deploy.config.ts and recipes import from 'rookery'. */
export { archive, defineConfig, dir, git, sandbox } from '#config/define-config.ts';
export type {
  ArchiveSource,
  DirSource,
  GitSource,
  Sandbox,
  Source,
  WrittenConfig,
  WrittenHost,
  WrittenStage,
} from '#config/written-config.ts';
export type { DeployEvent, HostError, HostStatus, HostSummary, Summary } from '#protocol/events.ts';
export { type Command, cmd, quote, type ShellText, type Step, script, sh } from '#protocol/shell.ts';
export type { AskOptions } from '#recipe/ask.ts';
export { formatCount } from '#recipe/format-count.ts';
export type { HostState, ReleaseFacts, ReleaseState } from '#recipe/host-state.ts';
export type { PlacedContent } from '#recipe/placed-content.ts';
export { defineRecipe, type Hooks, type Recipe, type RecipeDefinition } from '#recipe/recipe.ts';
export {
  type Answering,
  CommandFailed,
  type CommandResult,
  type HostFacts,
  type Remote,
  type RunOptions,
} from '#recipe/remote.ts';
export type { RoleName, Roles } from '#recipe/roles.ts';
export { type Lazy, type Setting, type SettingOptions, setting } from '#recipe/setting.ts';
export type { DeploySettings } from '#recipe/settings.ts';
export type { SwarmSteps } from '#recipe/swarm-steps.ts';
export { type Task, type TaskDefinition, task } from '#recipe/task.ts';
export type { ArtifactFacts, Deployment, LocalOptions, OnOptions, TaskContext } from '#recipe/task-context.ts';
export type { CaptureOptions, TaskHost, UploadOptions } from '#recipe/task-host.ts';
export { UserError } from '#recipe/user-error.ts';
export type { Word } from '#recipe/words.ts';
export { describeLock, type FoundLock, isLasting, type LockOwner, parseLock } from '#release/found-lock.ts';
export { breakLock, showLock } from '#release/lock-programs.ts';
export { clearIncoming, lookAtTarget, placeDirectory, placeFile, prepareIncoming } from '#release/place-steps.ts';
export { recordsOfDeploy, recordsOfRollback } from '#release/records.ts';
export { releasePaths } from '#release/release-paths.ts';
export {
  linkShared,
  logRevision,
  publishRelease,
  removeReleases,
  undoRelease,
  undoRollback,
  unpackRelease,
} from '#release/release-steps.ts';
export { currentRelease, expiredReleases, hostsWhereBad, isGood, rollbackTarget } from '#release/retention.ts';
