import {
  currentRelease,
  defineRecipe,
  expiredReleases,
  formatCount,
  linkShared,
  logRevision,
  publishRelease,
  recordsOfDeploy,
  recordsOfRollback,
  removeReleases,
  type TaskContext,
  task,
  undoRelease,
  undoRollback,
  unpackRelease,
} from 'rookery';

/** Hosts that get no release are passed over. */
const RELEASE = { release: true } as const;

/**
 * What a deploy is. The words are Capistrano's, in Capistrano's order; hook your own tasks before or after any of them.
 * No host switches before every host holds a verified, linked release; until `deploy:finishing` a failure is undone.
 */
export default defineRecipe({
  name: 'deploy',
  tasks: [
    task('deploy', 'Deploy a new release', {
      steps: [
        'deploy:starting',
        'deploy:started',
        'deploy:updating',
        'deploy:updated',
        'deploy:publishing',
        'deploy:published',
        'deploy:finishing',
        'deploy:finished',
      ],
      onFailure: 'deploy:failed',
      onHostFailure: 'deploy:undo',
    }),

    task('deploy:starting', 'Start a deploy', { steps: ['deploy:check'] }),
    task('deploy:check', 'Check the hosts', { ...RELEASE, locks: false, run: (t) => t.deployment.inspect(t, true) }),
    task('deploy:started', 'Started (hook)'),

    task('deploy:updating', 'Bring the new release to the hosts', {
      steps: ['deploy:pack', 'deploy:distribute', 'deploy:unpack', 'swarm:clean', 'deploy:symlink:shared'],
    }),
    task('deploy:pack', 'Build and pack the release', { ...RELEASE, needsSource: true, run: pack }),
    task('deploy:distribute', 'Distribute the release', {
      steps: ['swarm:create', 'swarm:runtime', 'swarm:track', 'swarm:seed', 'swarm:fetch', 'swarm:stop'],
    }),
    task('deploy:unpack', 'Unpack the release', { ...RELEASE, run: unpack }),
    task('deploy:symlink:shared', 'Link shared files and directories', { ...RELEASE, run: link }),
    task('deploy:updated', 'Updated (hook)'),

    task('deploy:publishing', 'Publish the release', { steps: ['deploy:symlink:release', 'deploy:restart'] }),
    task('deploy:symlink:release', 'Switch current to the release', { ...RELEASE, run: publish }),
    task('deploy:restart', 'Restart the application (hook; also runs after a switch back)'),
    task('deploy:published', 'Published (hook)'),

    task('deploy:finishing', 'Finish the deploy', { steps: ['deploy:cleanup'], committed: true }),
    task('deploy:cleanup', 'Remove old releases', { ...RELEASE, run: cleanup }),
    task('deploy:finished', 'Finished (hook)', { steps: ['deploy:log_revision'] }),
    task('deploy:log_revision', 'Write revisions.log', { ...RELEASE, run: log }),

    task('deploy:failed', 'Undo an unfinished deploy', { steps: ['deploy:undo'] }),
    task('deploy:undo', 'Undo on hosts that failed', { steps: ['deploy:revert', 'deploy:restart'] }),
    task('deploy:revert', 'Switch back and remove the unpublished release', { ...RELEASE, run: revert }),
  ],
});

async function pack({ deployment, detail }: TaskContext): Promise<void> {
  const { bytes, files, revision } = await deployment.artifact();
  detail(`${revision.slice(0, 7)}, ${(bytes / 1e6).toFixed(1)} MB, ${formatCount(files)} files`);
}

async function unpack({ on, hosts, deployment }: TaskContext): Promise<void> {
  const artifact = await deployment.artifact();
  const { release, by } = deployment;
  await on(hosts, ({ host, run }) => {
    const replace = deployment.state(host.name).releases.some(({ name }) => name === release); // left by the run that this one finishes
    return run(unpackRelease(host.deployTo, release, artifact, { by, replace }), {
      label: 'unpack the release',
      shared: true,
    });
  });
}

async function link({ on, hosts, deployment, settings }: TaskContext): Promise<void> {
  const { revision } = await deployment.artifact();
  await on(hosts, ({ host, run }) =>
    run(linkShared(host.deployTo, deployment.release, settings, { revision, by: deployment.by }), {
      label: 'link shared files',
      shared: true,
    }),
  );
}

async function publish({ on, hosts, mark, detail, deployment }: TaskContext): Promise<void> {
  const { release, by, fresh } = deployment;
  detail(release);
  const revision = fresh ? (await deployment.artifact()).revision : '';
  await on(hosts, async (remote) => {
    const before = deployment.state(remote.host.name);
    const records = fresh
      ? recordsOfDeploy(before, { name: release, revision, by })
      : recordsOfRollback(before, release);
    mark(remote, 'published'); // before it is sure: a host that is lost in the middle may have switched
    await remote.run(publishRelease(remote.host.deployTo, release, records), {
      label: `switch current to ${release}`,
      shared: true,
    });
    deployment.publish(remote.host.name, release, records);
  });
}

async function cleanup(t: TaskContext): Promise<void> {
  const { state, afterwards, inspect } = t.deployment;
  if (!t.hosts.every(({ host }) => afterwards(host.name))) await inspect(t, false);
  await t.on(t.hosts, async ({ host, run }) => {
    const { releases, current } = afterwards(host.name) ?? state(host.name);
    const expired = expiredReleases(releases, current, t.settings.keepReleases);
    for (let at = 0; at < expired.length; at += AT_ONCE) {
      const names = expired.slice(at, at + AT_ONCE);
      await run(removeReleases(host.deployTo, names), { label: `remove ${names.join(', ')}`, shared: true });
    }
  });
}

/** Releases that one command removes: a command has its limits. */
const AT_ONCE = 100;

async function log({ on, hosts, deployment }: TaskContext): Promise<void> {
  const { label, revision } = await deployment.artifact();
  const line = `${label} (at ${revision}) deployed as release ${deployment.release} by ${deployment.by}`;
  await on(hosts, ({ host, run }) =>
    run(logRevision(host.deployTo, line), { label: 'write revisions.log', shared: true }),
  );
}

/** Afterwards only the hosts that were switched back are restarted: the others never served anything else. */
async function revert({ on, only, hosts, mark, deployment }: TaskContext): Promise<void> {
  const reverted: (typeof hosts)[number][] = [];
  only(reverted);
  if (!deployment.decided) return;
  const { release, fresh } = deployment;
  await on(hosts, async (remote) => {
    const { deployTo, name } = remote.host;
    const before = deployment.state(name);
    if (fresh && currentRelease(before)?.name === release) return; // it served the release before this run
    const undo = fresh ? undoRelease(deployTo, release, before.link) : undoRollback(deployTo, release, before);
    const { stdout } = await remote.run(undo, { label: 'undo the release', quiet: true, shared: true });
    const switchedBack = stdout.includes('reverted');
    mark(remote, switchedBack ? 'reverted' : 'unchanged');
    if (switchedBack && before.link !== undefined) reverted.push(remote);
  }).finally(() => only(reverted));
}
