import {
  defineRecipe,
  expiredReleases,
  linkShared,
  logRevision,
  publishRelease,
  removeReleases,
  type TaskContext,
  task,
  undoRelease,
  unpackRelease,
} from 'rookery';

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
    }),

    task('deploy:starting', 'Start a deploy', { steps: ['deploy:check'] }),
    task('deploy:check', 'Check the hosts', { locks: false, run: (t) => t.deployment.inspect(t, true) }),
    task('deploy:started', 'Started (hook)'),

    task('deploy:updating', 'Bring the new release to the hosts', {
      steps: ['deploy:pack', 'deploy:distribute', 'deploy:unpack', 'swarm:clean', 'deploy:symlink:shared'],
    }),
    task('deploy:pack', 'Build and pack the release', { needsSource: true, run: pack }),
    task('deploy:distribute', 'Distribute the release', {
      steps: ['swarm:create', 'swarm:track', 'swarm:seed', 'swarm:fetch', 'swarm:stop'],
    }),
    task('deploy:unpack', 'Unpack the release', { run: unpack }),
    task('deploy:symlink:shared', 'Link shared files and directories', { run: link }),
    task('deploy:updated', 'Updated (hook)'),

    task('deploy:publishing', 'Publish the release', { steps: ['deploy:symlink:release', 'deploy:restart'] }),
    task('deploy:symlink:release', 'Switch current to the release', { run: publish }),
    task('deploy:restart', 'Restart the application (hook; also runs after a switch back)'),
    task('deploy:published', 'Published (hook)'),

    task('deploy:finishing', 'Finish the deploy', { steps: ['deploy:cleanup'], committed: true }),
    task('deploy:cleanup', 'Remove old releases', { run: cleanup }),
    task('deploy:finished', 'Finished (hook)', { steps: ['deploy:log_revision'] }),
    task('deploy:log_revision', 'Write revisions.log', { run: log }),

    task('deploy:failed', 'Undo an unfinished deploy', { steps: ['deploy:revert', 'deploy:restart'] }),
    task('deploy:revert', 'Switch back and remove the unpublished release', { run: revert }),
  ],
});

async function pack({ deployment, detail }: TaskContext): Promise<void> {
  const { bytes, files, revision } = await deployment.artifact();
  detail(`${revision.slice(0, 7)}, ${(bytes / 1e6).toFixed(1)} MB, ${files.toLocaleString('en')} files`);
}

async function unpack({ on, hosts, deployment }: TaskContext): Promise<void> {
  const artifact = await deployment.artifact();
  await on(hosts, ({ host, run }) =>
    run(unpackRelease(host.deployTo, deployment.release, artifact, deployment.by), { label: 'unpack the release' }),
  );
}

async function link({ on, hosts, deployment, settings }: TaskContext): Promise<void> {
  const { revision } = await deployment.artifact();
  await on(hosts, ({ host, run }) =>
    run(linkShared(host.deployTo, deployment.release, settings, { revision, by: deployment.by }), {
      label: 'link shared files',
    }),
  );
}

async function publish({ on, hosts, mark, detail, deployment }: TaskContext): Promise<void> {
  detail(deployment.release);
  const revision = deployment.fresh ? (await deployment.artifact()).revision : undefined;
  await on(hosts, async (remote) => {
    const publication = publishRelease(remote.host.deployTo, deployment.release, revision, deployment.by);
    mark(remote, 'published'); // before it is sure: a host that is lost in the middle may have switched
    await remote.run(publication, { label: `switch current to ${deployment.release}` });
  });
}

async function cleanup(t: TaskContext): Promise<void> {
  await t.deployment.inspect(t, false);
  await t.on(t.hosts, async ({ host, run }) => {
    const { releases, current } = t.deployment.state(host.name);
    const expired = expiredReleases(releases, current, t.settings.keepReleases);
    if (expired.length > 0)
      await run(removeReleases(host.deployTo, expired), { label: `remove ${expired.join(', ')}` });
  });
}

async function log({ on, hosts, deployment }: TaskContext): Promise<void> {
  const { label, revision } = await deployment.artifact();
  const line = `${label} (at ${revision}) deployed as release ${deployment.release} by ${deployment.by}`;
  await on(hosts, ({ host, run }) => run(logRevision(host.deployTo, line), { label: 'write revisions.log' }));
}

/** Afterwards only the hosts that were switched back are restarted: the others never served anything else. */
async function revert({ on, only, hosts, mark, deployment }: TaskContext): Promise<void> {
  const reverted: (typeof hosts)[number][] = [];
  only(reverted);
  if (!deployment.decided) return;
  await on(hosts, async (remote) => {
    const { deployTo, name } = remote.host;
    const undo = undoRelease(deployTo, deployment.release, deployment.state(name).link, !deployment.fresh);
    const { stdout } = await remote.run(undo, { label: 'undo the release', quiet: true });
    const switchedBack = stdout.includes('reverted');
    mark(remote, switchedBack ? 'reverted' : 'unchanged');
    if (switchedBack && deployment.state(name).link !== undefined) reverted.push(remote);
  }).finally(() => only(reverted));
}
