import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Content, writeContent } from '../support/content.ts';
import { expectNothingLeft, lookAt, treeOf } from '../support/host-files.ts';
import { type Deployed, makeEmbeddedProject, makeProject } from '../support/project.ts';
import { SSHD_TOOLS, type SshdFleet, type SshdHost, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs, needsRoot } from '../support/tools.ts';

type Project = Awaited<ReturnType<typeof makeProject>>;

/** Tells what has come to a host when it has, and that its peer still serves it. */
const LOOK = `[defineRecipe({
  name: 'look',
  tasks: [task('look', 'Look', ({ on, hosts, answer }) => on(hosts, async (remote) => {
    const { stdout } = await remote.run(sh\`ls \${remote.host.deployTo + '/.rookery/incoming'}; ps -e -o args | grep -c '[p]eer/.*cjs' || :\`);
    answer(remote, { stream: 'stdout', text: stdout });
  }))],
  after: { 'swarm:fetch': 'look' },
})]`;

describe.skipIf(!needs('git', ...SSHD_TOOLS) || !needsRoot())('distribute to three hosts', () => {
  let fleet: SshdFleet;
  let project: Project;
  let bad: SshdHost;
  let good: readonly SshdHost[];
  const big = randomBytes(10_000_000);
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: 3 });
    [bad, ...good] = fleet.hosts as [SshdHost, ...SshdHost[]];
    project = await makeProject({ fleet, recipes: LOOK });
    await writeContent(project.dir, { 'pkg/big.bin': big, 'site/a': 'new', 'site/sub/b': { text: 'b', mode: 0o755 } });
  });
  afterAll(async () => {
    await project?.remove();
    await fleet?.close();
  });

  /** As this process sees it, and as the host does. */
  const on = (host: SshdHost, ...path: string[]) => join(host.files, ...path);
  const to = (path: string) => `${bad.deployTo('').replace(/\/$/, '')}/${path}`;
  const distribute = (path: string, target: string, ...words: string[]) =>
    project.deploy(['distribute', path, '--to', target, ...words]);
  const give = (content: Content, hosts: readonly SshdHost[] = fleet.hosts) =>
    Promise.all(hosts.map((host) => writeContent(host.files, content)));
  const below = async (host: SshdHost, path: string) => (await readdir(on(host, path), { recursive: true })).sort();
  const statuses = (run: Deployed) => fleet.hosts.map((host) => run.of(host).status);
  const all = (status: string) => fleet.hosts.map(() => status);
  /** No release, no links, and nothing but our own directory, empty. */
  const expectNoTrace = async () => {
    await expectNothingLeft(project);
    for (const host of fleet.hosts) {
      const tree = Object.keys(await treeOf(host, 'shop'));
      expect(tree.filter((path) => !path.startsWith('.rookery') && path !== '.')).toEqual([]);
      expect(await lookAt(host, 'shop')).toMatchObject({ current: undefined, releases: [] });
      expect(tree.filter((path) => path.startsWith('.rookery/incoming/'))).toEqual([]);
    }
  };

  test('a file: whole under its name or not at all, with its permissions; the steps can be hooked to', async () => {
    await give({ 'data/big.bin': 'old', 'data/other': 'other' });
    const cli = project.start(['distribute', 'pkg/big.bin', '--to', to('data/big.bin')]);
    const sizes = new Set<number>();
    let over = false;
    const ended = cli.deployed.finally(() => {
      over = true;
    });
    for (; !over; await setTimeout(2))
      for (const host of fleet.hosts) sizes.add((await stat(on(host, 'data/big.bin'))).size);
    const run = await ended;
    expect([run.exitCode, statuses(run)], run.stderr).toEqual([0, all('published')]);
    expect([...sizes].filter((size) => size !== 3)).toEqual([big.length]);
    for (const host of fleet.hosts) {
      expect(big.equals(await readFile(on(host, 'data/big.bin')))).toBe(true);
      expect((await stat(on(host, 'data/big.bin'))).mode & 0o777).toBe(0o644);
      expect(await below(host, 'data')).toEqual(['big.bin', 'other']);
    }
    const tasks = run.events.flatMap((event) => (event.type === 'task-start' ? event.task : []));
    const steps = ['swarm:create', 'swarm:runtime', 'swarm:track', 'swarm:seed', 'swarm:fetch', 'look', 'swarm:stop'];
    expect(tasks).toEqual(['distribute:check', ...steps, 'distribute:place', 'swarm:clean']);
    const looks = run.events.flatMap((event) => (event.type === 'output' ? event.text : []));
    expect(looks).toEqual(fleet.hosts.map(() => expect.stringMatching(/^rookery-content\.tar\n[1-9]/)));
    expect(run.summary).toMatchObject({ task: 'distribute', artifact: { bytes: big.length, files: 1 } });
    expect(run.summary.swarm?.seederUploaded).toBeLessThan(2.5 * big.length);
    await expectNoTrace();
  });

  test('a file goes into a directory that is there on all hosts, or is said to be one by a slash', async () => {
    await give({ 'into/other': 'other' });
    expect((await distribute('pkg/big.bin', to('into'), '--set', 'strategy=sftp')).exitCode).toBe(0);
    expect((await distribute('site/a', to('new/'), '--set', 'strategy=sftp')).exitCode).toBe(0);
    for (const host of fleet.hosts)
      expect([await below(host, 'into'), await below(host, 'new')]).toEqual([['big.bin', 'other'], ['a']]);
    await rm(on(bad, 'new'), { recursive: true });
    const mixed = await distribute('site/a', to('new'));
    expect([mixed.exitCode, mixed.summary.error?.message]).toEqual([
      1,
      expect.stringContaining(`is a directory on ${good.map(({ address }) => address).join(', ')}`),
    ]);
    expect(existsSync(on(bad, 'new'))).toBe(false);
    await expectNoTrace();
  });

  test('a directory is added to what is there, or replaces it where that is asked for', async () => {
    await give({ 'www/a': 'old', 'www/keep': 'keep', 'www/sub/keep': 'keep' });
    const added = await distribute('site', to('www'));
    expect([added.exitCode, statuses(added)]).toEqual([0, all('published')]);
    for (const host of fleet.hosts) {
      expect(await below(host, 'www')).toEqual(['a', 'keep', 'sub', 'sub/b', 'sub/keep']);
      expect(await readFile(on(host, 'www/a'), 'utf8')).toBe('new');
      expect((await stat(on(host, 'www/sub/b'))).mode & 0o777).toBe(0o755);
    }
    expect((await distribute('site/', to('www/'), '--delete')).exitCode).toBe(0);
    for (const host of fleet.hosts) expect(await below(host, 'www')).toEqual(['a', 'sub', 'sub/b']);
    await expectNoTrace();
  });

  test('a host where it cannot be placed is named: before anything is sent none gets it, later all others have it', async () => {
    await give({ 'tree/sub': 'a file' }, [bad]);
    const early = await distribute('site', to('tree/sub'));
    expect([early.exitCode, statuses(early)]).toEqual([1, ['failed', 'unchanged', 'unchanged']]);
    expect(early.of(bad).error).toMatchObject({
      task: 'distribute:check',
      output: expect.stringContaining('tree/sub is no directory'),
    });
    expect(good.map((host) => existsSync(on(host, 'tree')))).toEqual([false, false]);

    const late = await distribute('site', to('tree'));
    expect([late.exitCode, statuses(late)]).toEqual([3, ['failed', 'published', 'published']]);
    expect(late.of(bad).error).toMatchObject({
      task: 'distribute:place',
      output: expect.stringContaining('tree/sub is no directory'),
    });
    expect(await below(bad, 'tree')).toEqual(['sub']);
    for (const host of good) expect(await below(host, 'tree')).toEqual(['a', 'sub', 'sub/b']);
    expect((await distribute('site', to('tree'), '-z', bad.address)).exitCode).toBe(1);
    await expectNoTrace();
  });

  test.each(['SIGINT', 'SIGKILL'] as const)('%s on the way: what was there stays, and nothing else', async (name) => {
    await give({ 'cut/big.bin': 'old' });
    await writeContent(project.dir, { 'pkg/large.bin': randomBytes(60_000_000) });
    const cli = project.start(['distribute', 'pkg/large.bin', '--to', to('cut/big.bin')]);
    await cli.seen(/"transfer-progress"[^\n]*"bytes":[1-9]/);
    cli.signal(name);
    const { exitCode } = await cli.result;
    expect(exitCode).toBe(name === 'SIGINT' ? 130 : null);
    for (const host of fleet.hosts) {
      expect(await host.quiet()).toEqual([]);
      expect([await below(host, 'cut'), await readFile(on(host, 'cut/big.bin'), 'utf8')]).toEqual([['big.bin'], 'old']);
      expect((await lookAt(host, 'shop')).strays).toEqual([]);
      expect(await below(host, 'shop/.rookery/incoming')).toEqual([]);
    }
    if (name === 'SIGINT') await expectNoTrace();
  });

  test('what does not exist is refused before any host is touched', async () => {
    const { exitCode, events, summary } = await distribute('missing', to('x'));
    expect([exitCode, summary.error?.message, events.length]).toEqual([
      2,
      expect.stringMatching(/no file or directory .*missing/),
      1,
    ]);
  });
});

test.skipIf(!needs('git'))('distribute to embedded hosts: each has the path below its own directory', async () => {
  const project = await makeEmbeddedProject({ count: 2, config: { strategy: 'sftp' } });
  try {
    await writeContent(project.dir, { 'site/a': 'a' });
    const { exitCode, summary } = await project.deploy(['distribute', 'site', '--to', '/srv/site']);
    expect([exitCode, summary.hosts.map(({ status }) => status)]).toEqual([0, ['published', 'published']]);
    for (const host of project.hosts) expect(await readdir(join(host.files, '../../srv/site'))).toEqual(['a']);
  } finally {
    await project.remove();
  }
});
