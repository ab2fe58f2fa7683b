import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeGate } from '../support/gate.ts';
import { expectNothingLeft, lookAt } from '../support/host-files.ts';
import { isGuard } from '../support/host-processes.ts';
import { makeEmbeddedProject, makeProject } from '../support/project.ts';
import { SSHD_TOOLS, type SshdFleet, startSshdFleet } from '../support/sshd-fleet.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';
import { needs } from '../support/tools.ts';

/** Version two does not start on the first host; putting that right begins with a task of its own. */
const restartWith = (undoing: string) => `[
  restart('[ "$(cat version)" != two ] || [ "$(basename "$HOME")" != sandbox01 ]'),
  defineRecipe({ name: 'undoing', before: { 'deploy:revert': 'undoing' },
    tasks: [task('undoing', 'Begin to undo', ({ on, hosts }) => on(hosts, ({ run }) => run(sh\`${undoing}\`)))] })]`;

const withEmbedded = async (
  options: Parameters<typeof makeEmbeddedProject>[0],
  work: (project: Awaited<ReturnType<typeof makeEmbeddedProject>>, first: string) => Promise<void>,
) => {
  const project = await makeEmbeddedProject({
    ...options,
    config: { strategy: 'sftp' },
    files: { version: 'one\n' },
  });
  try {
    const { exitCode, summary } = await project.deploy();
    expect(exitCode).toBe(0);
    await work(project, summary.release!);
  } finally {
    await project.remove();
  }
};

describe.skipIf(!needs('git'))('putting right what failed', () => {
  test('is not stopped by Ctrl-C: every host serves what it served', async () => {
    await withEmbedded({ count: 2, recipes: restartWith('echo undoing; sleep 1') }, async (project, first) => {
      await project.commit({ version: 'two\n' });
      const cli = project.start();
      await cli.seen('"text":"undoing');
      cli.signal('SIGINT');
      expect((await cli.deployed).exitCode).toBe(130);
      for (const host of project.hosts)
        expect(await lookAt(host, 'shop')).toMatchObject({ current: first, releases: [first], strays: [] });
    });
  });

  test('goes on where a task of it fails: every host serves what it served', async () => {
    await withEmbedded({ count: 2, recipes: restartWith('exit 1') }, async (project, first) => {
      await project.commit({ version: 'two\n' });
      const run = await project.deploy();
      expect(run.exitCode).toBe(1);
      for (const host of project.hosts)
        expect(await lookAt(host, 'shop')).toMatchObject({ current: first, releases: [first], strays: [] });
    });
  });
});

test.skipIf(!needs('git', 'setsid'))(
  'an interrupt does not wait for what has detached itself and holds the channel',
  async () => {
    const project = await makeEmbeddedProject({ count: 1 });
    let pid: number | undefined;
    try {
      const cli = project.start(['run', '--', "setsid sh -c 'echo here $$ and; exec sleep 300' & wait"]);
      await cli.seen(/here \d+ and/);
      pid = Number(/here (\d+) and/.exec(cli.stdout())?.[1]);
      cli.signal('SIGINT');
      expect((await cli.deployed).exitCode).toBe(130);
    } finally {
      if (pid !== undefined) process.kill(pid);
      await project.remove();
    }
  },
);

test.skipIf(!needs('git'))('a host that cannot be switched back is said to serve the new release', async () => {
  const recipes = '[restart(\'[ "$(cat version)" != two ] || { rm -rf ../FIRST; exit 1; }\')]';
  await withEmbedded({ count: 2, recipes }, async (project, first) => {
    await project.configure({ config: { strategy: 'sftp' }, recipes: recipes.replace('FIRST', first) });
    await project.commit({ version: 'two\n' });
    const run = await project.deploy();
    expect(run.exitCode).toBe(1);
    for (const host of project.hosts) {
      expect(run.of(host)).toMatchObject({ status: 'failed', notReverted: true, error: { task: 'app:restart' } });
      expect(await lookAt(host, 'shop')).toMatchObject({ current: run.summary.release });
    }
  });
});

test.skipIf(!needs('git'))('an interrupt while files are uploaded: no further upload begins', async () => {
  const files = { large: Buffer.alloc(16_000_000, 'x') };
  const project = await makeEmbeddedProject({ count: 20, config: { strategy: 'sftp' }, files });
  try {
    const cli = project.start();
    await cli.seen('"transfer-progress"');
    cli.signal('SIGINT');
    const run = await cli.deployed;
    expect(run.exitCode).toBe(130);
    const uploading = run.events.flatMap((event) => (event.type === 'transfer-progress' ? [event.host] : []));
    expect(new Set(uploading).size).toBeLessThanOrEqual(16);
  } finally {
    await project.remove();
  }
});

describe.skipIf(!needs('git', ...SSHD_TOOLS))('a host that answers, but does not work', () => {
  let fleet: SshdFleet;
  let tools: string;
  beforeAll(async () => {
    tools = await makeTempDir('tools');
    const node = join(tools, 'node');
    const hang = `#!/bin/sh\n[ "$1" = --version ] && exec echo v20.0.0\nexec cat >/dev/null\n`;
    await writeFile(node, hang, { mode: 0o755 });
    fleet = await startSshdFleet({ hosts: [{}, {}, { path: `${tools}:/usr/bin:/bin` }] });
  });
  afterAll(async () => {
    await fleet?.close();
    await removeTempDir(tools);
  });

  test('a peer that never says a word fails its host alone, and the deploy ends', async () => {
    const project = await makeProject({
      fleet,
      application: 'mute',
      config: { swarm: { stallTimeout: 10, minBytes: 0 } }, // the other two have to start within it
    });
    try {
      const run = await project.deploy();
      expect(run.exitCode).toBe(1);
      expect(run.summary.hosts.map(({ status }) => status)).toEqual(['unchanged', 'unchanged', 'failed']);
      expect(run.of(fleet.hosts[2]!).error).toMatchObject({
        ...{ code: 'transfer', message: expect.stringContaining('has not started within 10 s') },
      });
      await expectNothingLeft(project);
    } finally {
      await project.remove();
    }
  });

  test('and does not hold up an interrupt', async () => {
    const project = await makeProject({
      fleet,
      application: 'deaf',
      config: { swarm: { stallTimeout: 1000, minBytes: 0 } },
    });
    try {
      const cli = project.start();
      await cli.seen(/("type":"transfer-progress".*"done":true.*){2}/s);
      cli.signal('SIGINT');
      expect((await cli.deployed).exitCode).toBe(130);
      await expectNothingLeft(project);
    } finally {
      await project.remove();
    }
  });

  test.skipIf(!needs('mkfifo'))(
    'the program that holds the lock is killed: the lock goes with the deploy all the same',
    async () => {
      const hosts = fleet.hosts.slice(0, 2);
      const project = await makeProject({ fleet, hosts, application: 'guard', config: { strategy: 'sftp' } });
      try {
        const gate = await makeGate(join(project.dir, '.git/gate'));
        await project.configure({ hosts: hosts.slice(0, 1), recipes: `[restart('cat ${gate.path}')]` });
        const cli = project.start();
        await gate.reached(cli.result);
        const guard = hosts[0]!.processes().find(isGuard);
        process.kill(guard!.pid, 'SIGKILL');
        await gate.pass();
        expect((await cli.deployed).exitCode).toBe(0);
        await expectNothingLeft(project);
      } finally {
        await project.remove();
      }
    },
  );

  test('more commands at once than its sshd allows wait for their turn; one that allows none is named', async () => {
    const small = await startSshdFleet({ hosts: [{ maxSessions: 2 }, { maxSessions: 0 }] });
    const recipes = `[defineRecipe({ name: 'many', tasks: [task('many', 'Many at once', { locks: false,
      run: ({ on, hosts }) => on(hosts, ({ run }) => Promise.all([1, 2, 3, 4, 5, 6].map(() => run(sh\`sleep 0.1\`)))) })] })]`;
    const project = await makeProject({ fleet: small, recipes });
    try {
      const run = await project.deploy(['many']);
      expect(run.exitCode).toBe(1);
      expect(run.of(small.hosts[0]!).error).toBeUndefined();
      expect(run.of(small.hosts[1]!).error).toMatchObject({
        ...{ code: 'command', command: 'sleep 0.1', message: expect.stringContaining('MaxSessions') },
      });
    } finally {
      await project.remove();
      await small.close();
    }
  });
});
