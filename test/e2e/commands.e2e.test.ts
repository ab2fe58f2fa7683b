import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { expectNothingLeft, lookAt, treeOf } from '../support/host-files.ts';
import { type Deployed, makeEmbeddedProject, makeProject } from '../support/project.ts';
import { SSHD_TOOLS, type SshdFleet, startSshdFleet } from '../support/sshd-fleet.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';
import { needs } from '../support/tools.ts';

type Project = Awaited<ReturnType<typeof makeProject>>;

describe.skipIf(!needs('git', ...SSHD_TOOLS))('commands on three hosts', () => {
  let fleet: SshdFleet;
  let project: Project;
  const roles = [['app'], ['app', 'db'], ['web']];
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: 3 });
    project = await makeProject({
      fleet,
      config: { strategy: 'sftp', linkedDirs: ['log', 'public/uploads'] },
      host: (index) => ({ roles: roles[index] }),
    });
  });
  afterAll(async () => {
    await project?.remove();
    await fleet?.close();
  });

  const addresses = () => fleet.hosts.map(({ address }) => address);
  const run = (...words: string[]) => project.run(['production', ...words]);

  test('deploy:check makes the directories of a deploy and changes nothing else, however often', async () => {
    expect((await project.deploy(['deploy:check'])).exitCode).toBe(0);
    const made = await Promise.all(fleet.hosts.map((host) => treeOf(host, 'shop')));
    for (const tree of made) {
      expect(Object.values(tree).filter((line) => !line.startsWith('directory'))).toEqual([]);
      const own = ['.rookery', '.rookery/incoming', '.rookery/peer', '.rookery/releases'];
      const linked = ['shared/log', 'shared/public', 'shared/public/uploads'];
      expect(Object.keys(tree)).toEqual(['.', ...own, 'releases', 'shared', ...linked]);
    }
    expect((await project.deploy(['deploy:check'])).exitCode).toBe(0);
    expect(await Promise.all(fleet.hosts.map((host) => treeOf(host, 'shop')))).toEqual(made);
    await expectNothingLeft(project);
  });

  test('run: one word is text for the shell, output is prefixed by its host', async () => {
    const { exitCode, stdout } = await run('run', '--', 'echo "$((40 + 2))" | tr 4 5; echo second');
    expect(exitCode).toBe(0);
    for (const address of addresses()) {
      expect(stdout.split('\n').filter((line) => line.startsWith(`${address} | `))).toEqual([
        `${address} | 52`,
        `${address} | second`,
      ]);
    }
  });

  test('run: several words are an argument list that no shell touches', async () => {
    const words = ['$HOME', 'a  b', '*', "it's", '"', ';', '-n', 'ü'];
    const { exitCode, events } = await project.deploy(['run', '--', 'printf', '<%s>', ...words]);
    expect(exitCode).toBe(0);
    const said = events.filter((event) => event.type === 'output').map(({ text }) => text);
    expect(said).toEqual(addresses().map(() => words.map((word) => `<${word}>`).join('')));
  });

  test('run: exits 1 when it fails on some hosts, and tells of each of them', async () => {
    const command = "echo $SSH_CONNECTION | cut -d' ' -f3 | grep -q '[.]1$' || { echo no such thing >&2; exit 7; }";
    const plain = await run('run', '--', command);
    expect(plain.exitCode).toBe(1);
    for (const address of addresses().slice(1)) expect(plain.stderr).toContain(`${address} ! exit code 7`);
    expect(plain.stderr).toContain('no such thing');
    expect(plain.stderr).not.toContain(addresses()[0]);
    const table = plain.stderr.slice(plain.stderr.lastIndexOf('what failed')); // equal failures share a row
    for (const address of addresses().slice(1)) expect(table).toContain(address);
    const { summary } = await project.deploy(['run', '--', command]);
    expect(summary.hosts.map(({ error }) => error?.exitCode)).toEqual([undefined, 7, 7]);
    expect(summary.hosts[2]!.error).toMatchObject({ code: 'command', task: 'run', output: 'no such thing' });
  });

  test('run: a command that is killed has failed', async () => {
    const { exitCode, summary } = await project.deploy(['run', '--', 'kill -9 $$']);
    expect(exitCode).toBe(1);
    expect(summary.hosts[0]!.error).toMatchObject({ code: 'signal', signal: 'SIGKILL' });
  });

  test('run: what a command prints, how much or however odd, is told as it is', async () => {
    const { exitCode, events } = await project.deploy(['run', '--', 'yes ünï | head -c 3000000']);
    expect(exitCode).toBe(0);
    for (const address of addresses()) {
      const text = events.flatMap((event) => (event.type === 'output' && event.host === address ? event.text : []));
      const whole = Buffer.from('ünï\n'.repeat(600_000)).subarray(0, 3_000_000).toString();
      expect(text.join('') === whole).toBe(true);
    }
  });

  test.each([
    [['-r', 'db'], [1]],
    [
      ['-r', 'db,web'],
      [1, 2],
    ],
    [['-z', '*.2'], [1]],
    [
      ['-l', '2'],
      [0, 1],
    ],
    [
      ['-l', '34%'],
      [0, 1],
    ],
    [['-r', 'app', '-l', '1'], [0]],
  ])('%j chooses hosts', async (words, chosen) => {
    const { summary, exitCode } = await project.deploy(['run', ...words, '--', 'true']);
    expect(exitCode).toBe(0);
    expect(summary.hosts.map(({ host }) => host)).toEqual(chosen.map((index) => addresses()[index]));
  });

  test.each([
    ['-r', 'nobody'],
    ['-z', 'nowhere*'],
    ['-l', '0'],
    ['-z', '*.1', '-r', 'web'],
  ])('%s %s chooses none, which is an error before any host is touched', async (...words) => {
    const { exitCode, stderr } = await run('run', ...words, '--', 'true');
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^deploy: (the selection matches no host|--limit)/);
  });

  test('a deploy to chosen hosts leaves the others alone', async () => {
    const before = await treeOf(fleet.hosts[0]!, 'shop');
    expect((await project.deploy(['-r', 'web'])).exitCode).toBe(0);
    expect((await lookAt(fleet.hosts[2]!, 'shop')).releases).toHaveLength(1);
    expect(await treeOf(fleet.hosts[0]!, 'shop')).toEqual(before);
  });

  test('--set gives a key another value, checked like any other', async () => {
    const { exitCode } = await project.deploy(['-z', '*.1', '--set', 'linkedDirs=["cache"]', '-s', 'strategy=torrent']);
    expect(exitCode).toBe(0);
    const [host] = fleet.hosts;
    const { current } = await lookAt(host!, 'shop');
    const tree = await treeOf(host!, `shop/releases/${current}`);
    expect(tree.cache).toBe(`link to ${host!.deployTo('shop')}/shared/cache`);
    expect(tree.log).toBeUndefined();
    const wrong = await run('--set', 'keepReleases=many', '--set', 'colour=red');
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toMatch(/keepReleases[\s\S]*colour|colour[\s\S]*keepReleases/);
  });

  test('what is too little for a swarm goes straight to the hosts, unless swarm.minBytes says otherwise', async () => {
    const start = ({ events }: Deployed) => events.find((event) => event.type === 'transfer-start');
    const peers = () => Promise.all(fleet.hosts.map((host) => readdir(join(host.files, 'shop/.rookery/peer'))));
    const little = await project.deploy(['--set', 'strategy=torrent']);
    expect([little.exitCode, start(little)]).toEqual([0, expect.objectContaining({ strategy: 'torrent', via: 'ssh' })]);
    const { bytes } = little.summary.artifact!;
    expect(little.summary.swarm!.seederUploaded).toBe(3 * bytes);
    for (const host of fleet.hosts) expect(little.of(host)).toMatchObject({ downloaded: bytes, uploaded: 0 });
    expect(await peers()).toEqual([[], [], []]);

    const swarm = await project.deploy(['--set', 'strategy=torrent', '--set', 'swarm.minBytes=0']);
    expect([swarm.exitCode, start(swarm)]).toEqual([0, expect.not.objectContaining({ via: 'ssh' })]);
    expect(await peers()).toEqual([[expect.anything()], [expect.anything()], [expect.anything()]]);
    await expectNothingLeft(project);
  });

  test('--plan shows tasks and hosts without connecting', async () => {
    const [stopped] = fleet.hosts;
    await fleet.stop(stopped!);
    const { exitCode, stdout } = await run('--plan');
    await fleet.start(stopped!);
    expect(exitCode).toBe(0);
    const lines = stdout.split('\n');
    for (const address of addresses()) expect(lines[0]).toContain(address);
    const tasks = lines.map((line) => line.trim().split(/\s/)[0]).filter((word) => word?.startsWith('deploy:'));
    expect(tasks.indexOf('deploy:unpack')).toBeLessThan(tasks.indexOf('deploy:symlink:release'));
    expect(tasks).toContain('deploy:cleanup');
  });
});

describe.skipIf(!needs('git'))('a new project', () => {
  test('`init` writes a configuration that deploys to embedded hosts as it is, and never overwrites one', async () => {
    const project = await makeEmbeddedProject({ count: 1 });
    try {
      await rm(join(project.dir, 'deploy.config.ts'));
      const { exitCode, stdout } = await project.run(['init']);
      expect(exitCode).toBe(0);
      expect(stdout).toContain('deploy.config.ts');
      const written = await readFile(join(project.dir, 'deploy.config.ts'), 'utf8');
      expect(await project.run(['init'])).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('exists already'),
      });
      expect(await readFile(join(project.dir, 'deploy.config.ts'), 'utf8')).toBe(written);
      const deployed = await project.run(['sandbox', '--format', 'json']);
      expect(deployed.exitCode, deployed.stdout + deployed.stderr).toBe(0);
      const summary = JSON.parse(deployed.stdout.trimEnd().split('\n').at(-1)!);
      expect(summary.hosts.map(({ status }: { status: string }) => status)).toEqual([
        'published',
        'published',
        'published',
      ]);
      expect((await project.run(['production', '--plan'])).exitCode).toBe(0);
    } finally {
      await project.remove();
    }
  });

  test('`tasks` lists every task with what it does, with a configuration and without one', async () => {
    const dir = await makeTempDir('empty');
    try {
      const without = await runCli(['tasks'], { cwd: dir });
      expect(without.exitCode).toBe(0);
      for (const name of ['deploy', 'deploy:check', 'deploy:rollback', 'deploy:cleanup', 'deploy:unlock', 'releases'])
        expect(without.stdout).toMatch(new RegExp(`^\\s*${name}\\s+\\S`, 'm'));
      const recipe = "defineRecipe({ name: 'x', tasks: [task('cache:warm', 'Warm the cache', () => {})] })";
      await writeFile(
        join(dir, 'deploy.config.ts'),
        `import { defineConfig, defineRecipe, dir, sandbox, task } from 'rookery';
export default defineConfig({ application: 'a', source: dir('.'), recipes: [${recipe}], stages: { s: { hosts: sandbox(1) } } });`,
      );
      expect((await runCli(['tasks'], { cwd: dir })).stdout).toMatch(/cache:warm\s+Warm the cache/);
      const told = async (...words: string[]) => {
        const { exitCode, stdout } = await runCli([...words, '--format', 'json'], { cwd: dir });
        expect(exitCode).toBe(0);
        return stdout
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line));
      };
      expect(await told('tasks')).toContainEqual(
        expect.objectContaining({ type: 'task', task: 'cache:warm', description: 'Warm the cache' }),
      );
      expect(await told('tasks', '--tree')).toContainEqual(
        expect.objectContaining({ type: 'task', task: 'deploy:check', depth: 2, disabled: false }),
      );
      expect(await told('s', '--plan')).toContainEqual(
        expect.objectContaining({ type: 'task-planned', task: 'deploy:check', hosts: ['sandbox01'] }),
      );
    } finally {
      await removeTempDir(dir);
    }
  });
});
