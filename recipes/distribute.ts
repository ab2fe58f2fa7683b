import {
  clearIncoming,
  defineRecipe,
  type HostFacts,
  lookAtTarget,
  type PlacedContent,
  placeDirectory,
  placeFile,
  prepareIncoming,
  type TaskContext,
  task,
  UserError,
} from 'rookery';

/**
 * A file or a directory to a path on every host, without a release. Nothing is placed before every host holds a verified
 * copy, and nothing is seen half under its name; what was there already stays unless `--delete` was asked for.
 */
export default defineRecipe({
  name: 'distribute',
  tasks: [
    task('distribute', 'Bring a file or directory to the hosts: distribute <path> --to <path there>', {
      steps: [
        'distribute:check',
        'swarm:create',
        'swarm:runtime',
        'swarm:track',
        'swarm:seed',
        'swarm:fetch',
        'swarm:stop',
        'distribute:place',
        'swarm:clean',
      ],
      onFailure: 'distribute:failed',
    }),
    task('distribute:check', 'Look at the target on every host', { release: true, run: check }),
    task('distribute:place', 'Place it under its name', { release: true, committed: true, run: place }),
    task('distribute:failed', 'Remove what has come', { release: true, run: clear }),
  ],
});

/** As with cp, a file goes into a directory that is there; but on all of the hosts, or on none. */
async function check(t: TaskContext): Promise<void> {
  const content = contentOf(t);
  const there = new Set<string>();
  await t.on(t.hosts, async ({ host, run }) => {
    await run(prepareIncoming(host.deployTo), { label: `create ${host.deployTo}/.rookery`, quiet: true });
    const { stdout } = await run(lookAtTarget(targetOn(host, content), content), {
      label: `look at ${content.to}`,
      quiet: true,
    });
    if (content.kind === 'file' && stdout.trim() === 'directory') there.add(host.name);
  });
  if (content.to.endsWith('/') || there.size === 0 || there.size === t.hosts.length) return;
  const names = t.hosts.map(({ host }) => host.name).filter((name) => there.has(name));
  throw new UserError(
    `${content.to} is a directory on ${names.join(', ')}, but not on the others: write ${content.to}/ to put ${content.name} into it`,
  );
}

async function place(t: TaskContext): Promise<void> {
  const content = contentOf(t);
  const { kind, to } = content;
  await t.on(t.hosts, async (remote) => {
    const from = t.deployment.incoming(remote.host.deployTo);
    const target = targetOn(remote.host, content);
    const command =
      kind === 'file' ? placeFile(from, target, content) : placeDirectory(from, target, { ...content, leaves: [from] });
    await remote.run(command, { label: `place ${to}` });
    t.mark(remote, 'published');
    t.deployment.placed(remote.host.name);
  });
  t.detail(to);
}

async function clear({ on, hosts, deployment }: TaskContext): Promise<void> {
  await on(hosts, ({ host, run }) =>
    run(clearIncoming(host.deployTo, deployment.incoming(host.deployTo)), { label: 'remove what has come' }),
  );
}

const targetOn = ({ root = '' }: HostFacts, { to }: PlacedContent): string => `${root}${to}`;

const contentOf = ({ deployment }: TaskContext): PlacedContent => {
  if (deployment.content) return deployment.content;
  throw new UserError(
    'distribute what, and where to? Write `deploy <stage> distribute <path> --to <path on hosts>`',
    2,
  );
};
