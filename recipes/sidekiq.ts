import { defineRecipe, type TaskContext, task } from 'rookery';
import type { HostWork, RollingOptions } from 'rookery/recipes/rolling';
import { service } from 'rookery/recipes/service';
import { systemctl, type UnitOptions, unitVerbs } from 'rookery/recipes/systemd';

export interface SidekiqOptions extends RollingOptions, UnitOptions {
  /** @default ['<application>_sidekiq_<stage>'] */
  readonly units?: readonly string[];
  /** Units of the user who logs in, not of the system. @default true */
  readonly user?: boolean;
}

/**
 * Sidekiq as systemd units, on hosts of the role `app`. Workers are told to take no more jobs just before the switch, and
 * are restarted after it. Those that are quiet when the deploy fails are restarted too, or they would stay quiet.
 */
export const sidekiq = ({ units, ...rest }: SidekiqOptions = {}) => {
  const options = { user: true, roles: ['app'] as const, ...rest };
  const unitsOf = ({ settings: { application, stage } }: TaskContext) => units ?? [`${application}_sidekiq_${stage}`];
  const verbs = unitVerbs(unitsOf, options);
  const quiet = new Set<string>();
  const restart: HostWork = async (host, t) => {
    quiet.delete(host.name);
    await verbs.restart(host, t);
  };
  const hush: HostWork = async (host, t) => {
    quiet.add(host.name);
    for (const unit of unitsOf(t)) await systemctl(['kill', '--signal=TSTP'], options)(host, unit);
  };
  const base = service({ name: 'sidekiq', verbs: { ...verbs, restart, quiet: hush }, options });
  const wake = task('sidekiq:wake', 'Restart Sidekiq where it is quiet', {
    ...{ release: true, roles: options.roles },
    run: (t) =>
      t.on(
        t.hosts.filter(({ name }) => quiet.has(name)),
        (host) => restart(host, t),
      ),
  });
  return defineRecipe({
    ...base,
    tasks: [...base.tasks, wake],
    before: { 'deploy:publishing': 'sidekiq:quiet', 'deploy:undo': 'sidekiq:wake' },
  });
};
