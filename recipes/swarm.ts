import { defineRecipe, type TaskContext, task } from 'rookery';

/** How an artifact comes to every host, in the steps that Murder's users know; hook your own tasks before or after any. */
export default defineRecipe({
  name: 'swarm',
  tasks: [
    task('swarm:create', 'Make the torrent', {
      needsSource: true,
      release: true,
      locks: false,
      run: (t) => t.deployment.swarm.create(t),
    }),
    task('swarm:runtime', 'Bring a runtime to hosts without one', {
      release: true,
      run: (t) => t.deployment.swarm.runtime(t),
    }),
    task('swarm:track', 'Start the tracker', { release: true, locks: false, run: (t) => t.deployment.swarm.track(t) }),
    task('swarm:seed', 'Start the seeder', { release: true, locks: false, run: (t) => t.deployment.swarm.seed(t) }),
    task('swarm:fetch', 'Fetch a verified copy on every host', {
      release: true,
      run: (t) => t.deployment.swarm.fetch(t),
    }),
    task('swarm:stop', 'Stop peers, seeder and tracker', {
      release: true,
      locks: false,
      run: (t) => t.deployment.swarm.stop(),
    }),
    task('swarm:check', 'Try whether the hosts reach each other and this machine', {
      release: true,
      locks: false,
      run: checkSwarm,
    }),
    task('swarm:clean', 'Remove the packed copy', {
      release: true,
      locks: false,
      run: (t) => t.deployment.swarm.clean(),
    }),
  ],
});

async function checkSwarm(t: TaskContext): Promise<void> {
  if (!t.deployment.decided) await t.deployment.inspect(t, false);
  await t.deployment.swarm.check(t);
}
