import { releasePaths, type TaskContext, type TaskHost } from 'rookery';

/** The host in the directory of the release that this run makes or returns to; in `current` where it does neither. Capistrano: within release_path. */
export const inRelease = (host: TaskHost, { deployment }: TaskContext): TaskHost => {
  const { current, release } = releasePaths(host.deployTo);
  return host.within(deployment.decided ? release(deployment.release) : current);
};

/** The host in the directory of the release that serves. Capistrano: within current_path. */
export const inCurrent = (host: TaskHost): TaskHost => host.within(releasePaths(host.deployTo).current);
