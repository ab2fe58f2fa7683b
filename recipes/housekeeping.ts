import {
  breakLock,
  defineRecipe,
  describeLock,
  formatCount,
  type HostState,
  isLasting,
  parseLock,
  showLock,
  type TaskContext,
  task,
} from 'rookery';

/** Tasks beside the flow of a deploy. */
export default defineRecipe({
  name: 'housekeeping',
  tasks: [
    task('deploy:lock', 'Lock the hosts until deploy:unlock; -m says why', {
      ...{ release: true, locks: false },
      run: (t) => t.deployment.lock(t),
    }),
    task('deploy:unlock', 'Remove the lock, whoever holds it', { release: true, locks: false, run: unlock }),
    task('releases', 'List the releases on every host', { release: true, locks: false, run: list }),
    task('doctor', 'Look at hosts, runtimes and network', {
      ...{ release: true, locks: false },
      run: examine,
    }),
    task('pending', 'Show the commits that a deploy would bring', {
      ...{ release: true, locks: false, needsSource: 'revision' },
      run: (t) => t.deployment.pending(t),
    }),
  ],
});

async function unlock({ on, hosts, warn, detail }: TaskContext): Promise<void> {
  let removed = 0;
  await on(hosts, async (remote) => {
    const { stdout } = await remote.run(breakLock(remote.host.deployTo), { label: 'remove the lock', quiet: true });
    if (stdout.trim() === '') return;
    removed++;
    const lock = parseLock(stdout);
    const rest = isLasting(lock) ? '' : '; if that run still goes on, it does so without one';
    warn(`removed the lock of ${describeLock(lock)}${rest}`, remote);
  });
  detail(removed === 0 ? 'no lock was held' : `${removed} removed`);
}

async function list(t: TaskContext): Promise<void> {
  await t.deployment.inspect(t, false);
  for (const remote of t.hosts) {
    const { releases, current } = t.deployment.state(remote.host.name);
    t.answer(remote, { releases: releases.map((release) => ({ ...release, current: release.name === current })) });
  }
}

async function examine(t: TaskContext): Promise<void> {
  const { inspect, state, swarm } = t.deployment;
  await inspect(t, false);
  const locks = new Map<string, string[]>();
  await t.on(t.hosts, async ({ host, run }) => {
    const { stdout } = await run(showLock(host.deployTo), { label: 'look for a lock', quiet: true, reads: true });
    if (stdout !== '') locks.set(host.name, [`locked by ${describeLock(parseLock(stdout))}`]);
  });
  for (const remote of t.hosts) {
    const { name, deployTo } = remote.host;
    const runtime = t.settings.strategy === 'torrent' ? [`runtime: ${swarm.runtimeOf(name)}`] : [];
    const lines = [describePlatform(state(name)), ...runtime, ...describeApplication(state(name), deployTo)].concat(
      locks.get(name) ?? [],
    );
    t.answer(remote, { stream: 'stdout', text: lines.map((line) => `${line}\n`).join('') });
  }
  await swarm.check(t);
}

const describePlatform = ({ platform }: HostState): string => {
  const musl = platform.loaders.some((path) => path.includes('musl')) ? 'musl' : 'an unknown libc';
  const libc = platform.glibc === undefined ? musl : `glibc ${platform.glibc}`;
  return `machine: ${platform.machine ?? 'unknown'}, ${libc}`;
};

const describeApplication = ({ freeBytes, current, releases, problems }: HostState, deployTo: string): string[] => {
  if (Number.isNaN(freeBytes)) return [`${deployTo}: does not exist yet; deploy:check makes it`];
  const serving = current === undefined ? 'no release serves' : `${current} serves, of ${formatCount(releases.length)}`;
  const free = `${formatCount(freeBytes / 1e6)} MB free`;
  return [`${deployTo}: ${serving}; ${free}`, ...problems.map((problem) => `to mend: ${problem}`)];
};
