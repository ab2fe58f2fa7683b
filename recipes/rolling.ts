import type { OnOptions, RoleName, TaskContext, TaskHost } from 'rookery';

/** What is done on one host. */
export type HostWork = (host: TaskHost, t: TaskContext) => Promise<unknown>;

/** Which hosts are restarted, how many at once, and what has to hold before the next ones are. */
export interface RollingOptions extends Pick<OnOptions, 'in' | 'limit' | 'wait'> {
  /** Hosts to restart on. @default every host that gets releases, or the role that a recipe names */
  readonly roles?: readonly RoleName[];
  /** Throws while a host that was restarted is not well: that host has failed, and no further group begins. */
  readonly check?: HostWork;
  /** Takes the host out of a load balancer, before its restart. */
  readonly drain?: HostWork;
  /** Puts it back, once it was restarted and checked; a host that fails stays out. */
  readonly undrain?: HostWork;
}

/**
 * Restarts the hosts of a task, group after group where a `limit` is given. When more hosts of a group fail than may,
 * the run stops there: it switches every host back, and restarts those that had switched in the same manner.
 */
export const roll = (
  t: TaskContext,
  { in: way, limit, wait = 0, check, drain, undrain }: RollingOptions,
  restart: HostWork,
): Promise<void> => {
  const groups: OnOptions = limit === undefined ? {} : { in: 'groups', limit };
  return t.on(t.hosts, { ...groups, wait, ...(way === undefined ? {} : { in: way }) }, async (host) => {
    await drain?.(host, t);
    await restart(host, t);
    await check?.(host, t);
    await undrain?.(host, t);
  });
};
