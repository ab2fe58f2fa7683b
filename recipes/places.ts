import { type RoleName, releasePaths, type TaskContext, type TaskHost } from 'rookery';

/** The host in the directory of the release that this run makes or returns to; in `current` where it does neither. Capistrano: within release_path. */
export const inRelease = (host: TaskHost, { deployment }: TaskContext): TaskHost => {
  const { current, release } = releasePaths(host.deployTo);
  return host.within(deployment.decided ? release(deployment.release) : current);
};

/** The host in the directory of the release that serves. Capistrano: within current_path. */
export const inCurrent = (host: TaskHost): TaskHost => host.within(releasePaths(host.deployTo).current);

/** The hosts of a task that have one of the roles. Where none has, which is easily overlooked, it is told what is left undone. */
export const hostsWith = (t: TaskContext, roles: readonly RoleName[], undone: string): readonly TaskHost[] => {
  const hosts = t.hosts.filter((host) => roles.some((role) => host.roles.includes(role)));
  if (hosts.length === 0) t.warn(`no host of this run has the role ${roles.join(' or ')}: ${undone}`);
  return hosts;
};
