import { defineRecipe, hostsWhereBad, logRevision, rollbackTarget, type TaskContext, task, UserError } from 'rookery';

/** Back to an earlier release: the newest older one that has served on every host, or the one named by --release. */
export default defineRecipe({
  name: 'rollback',
  tasks: [
    task('deploy:rollback', 'Return to the previous release, or to --release', {
      steps: [
        'deploy:reverting',
        'deploy:reverted',
        'deploy:publishing',
        'deploy:published',
        'deploy:finishing_rollback',
        'deploy:finished_rollback',
      ],
      onFailure: 'deploy:failed',
      onHostFailure: 'deploy:undo',
    }),
    task('deploy:reverting', 'Choose the release to return to', { release: true, run: choose }),
    task('deploy:reverted', 'Reverted (hook)'),
    task('deploy:finishing_rollback', 'Finish the rollback', { release: true, committed: true, run: log }),
    task('deploy:finished_rollback', 'Rollback finished (hook)'),
  ],
});

async function choose(t: TaskContext): Promise<void> {
  await t.deployment.inspect(t, false);
  const left = t.hosts.filter(({ name }) => !t.failures().has(name));
  const states = left.map(({ name }) => ({ host: name, state: t.deployment.state(name) }));
  const target = rollbackTarget(states, t.deployment.wanted);
  if ('refused' in target) throw new UserError(target.refused);
  if (states.every(({ state }) => state.current === target.release))
    throw new UserError(`every host already serves ${target.release}`);
  const bad = hostsWhereBad(states, target.release);
  if (bad.length > 0)
    t.warn(`a rollback had left ${target.release} as bad on ${bad.join(', ')}; it is published again`);
  t.deployment.returnTo(target.release);
  t.detail(target.release);
}

async function log({ on, hosts, deployment }: TaskContext): Promise<void> {
  await on(hosts, ({ host, run }) =>
    run(logRevision(host.deployTo, `${deployment.by} rolled back to release ${deployment.release}`), {
      label: 'write revisions.log',
    }),
  );
}
