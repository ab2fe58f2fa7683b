import { breakLock, defineRecipe, describeOwner, parseOwner, type TaskContext, task } from 'rookery';

/** Tasks beside the flow of a deploy. */
export default defineRecipe({
  name: 'housekeeping',
  tasks: [
    task('deploy:unlock', 'Remove the lock, whoever holds it', { locks: false, run: unlock }),
    task('releases', 'List the releases on every host', { locks: false, run: list }),
  ],
});

async function unlock({ on, hosts, warn }: TaskContext): Promise<void> {
  await on(hosts, async (remote) => {
    const { stdout } = await remote.run(breakLock(remote.host.deployTo), { label: 'remove the lock', quiet: true });
    if (stdout.trim() !== '') warn(`removed the lock of ${describeOwner(parseOwner(stdout))}`, remote);
  });
}

async function list(t: TaskContext): Promise<void> {
  await t.deployment.inspect(t, false);
  for (const remote of t.hosts) {
    const { releases, current } = t.deployment.state(remote.host.name);
    t.answer(remote, { releases: releases.map((release) => ({ ...release, current: release.name === current })) });
  }
}
