import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rm, watch } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectNothingLeft, lookAt } from '../support/host-files.ts';
import { descendants, isRunning } from '../support/host-processes.ts';
import { makeLargeApplication } from '../support/large-application.ts';
import { type ConfigOptions, type Deployed, makeProject } from '../support/project.ts';
import { SSHD_TOOLS, type SshdFleet, startSshdFleet } from '../support/sshd-fleet.ts';
import { onTerminal } from '../support/terminal.ts';
import { needs } from '../support/tools.ts';

type Project = Awaited<ReturnType<typeof makeProject>>;

const started = (task: string) => new RegExp(`"type":"task-start"[^\n]*"task":"${task}"`);

/** A recipe whose task says `here` on every host and then takes minutes, with children, where the release holds a file named slow. */
const SLOW = `cd "$1" && [ -f slow ] && { sleep 301 & sleep 302 | sleep 303 & echo here; sleep 304; }; true`;
const slowTask = (after: string) =>
  `[defineRecipe({ name: 'slow', tasks: [task('slow', 'Slow', ({ on, hosts, deployment }) =>
    on(hosts, ({ host, run }) => run(['sh', '-c', ${JSON.stringify(SLOW)}, 'sh', host.deployTo + '/releases/' + deployment.release])))],
    after: { '${after}': 'slow' } })]`;

/** The same, but it and its children pay no heed to TERM. */
const stubbornTask = slowTask('deploy:updated').replace('sleep 304', "trap '' TERM; sleep 304; sleep 305");

describe.skipIf(!needs('git', ...SSHD_TOOLS))('an interrupt', () => {
  let fleet: SshdFleet;
  let shared: Project;
  let count = 0;
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: 3 });
    shared = await makeProject({ fleet, config: { strategy: 'sftp', keepReleases: 1 } });
    await shared.git('tag', 'first');
  });
  afterAll(async () => {
    await shared?.remove();
    await fleet?.close();
  });

  /** A project one release of which serves on every host. The next one finds it as this one leaves it, but with the first commit. */
  const withProject = async (work: (project: Project, serving: string) => Promise<void>) => {
    const found = await lookAt(fleet.hosts[0]!, shared.application);
    const serving = found.current !== undefined && found.releases.length === 1 ? found.current : await deployOne();
    await work(shared, serving);
    await expectNothingLeft(shared);
    await shared.git('reset', '--quiet', '--hard', 'first');
  };
  const deployOne = async (): Promise<string> => {
    await shared.configure({ config: { strategy: 'sftp', keepReleases: 1 } });
    const { exitCode, summary } = await shared.deploy();
    expect(exitCode).toBe(0);
    return summary.release!;
  };

  const interrupt = async (project: Project, at: string | RegExp, signal: NodeJS.Signals = 'SIGINT') => {
    const cli = project.start();
    await cli.seen(at);
    cli.signal(signal);
    return cli.deployed;
  };

  const expectInterrupted = (run: Deployed) => {
    expect(run).toMatchObject({ exitCode: 130, stderr: '' });
    expect(run.summary).toMatchObject({ ok: false, exitCode: 130 });
    expect(run.summary.hosts.filter(({ status }) => status === 'failed')).toEqual([]);
  };

  /** The release before serves, and is the only one. */
  const expectOnly = async (project: Project, release: string) => {
    for (const host of project.hosts) {
      const found = await lookAt(host, project.application);
      expect(found).toMatchObject({ current: release, releases: [release], strays: [] });
      expect(found.log.at(-1)).toContain(`as release ${release} by`);
    }
  };

  const cases: [string, string | RegExp, ConfigOptions & { large?: boolean; slow?: boolean }][] = [
    ['while the source is packed', started('deploy:pack'), { config: { strategy: 'sftp' }, large: true }],
    [
      'while a swarm distributes',
      /"transfer-progress"[^\n]*"bytes":[1-9]/,
      { config: { strategy: 'torrent' }, large: true },
    ],
    [
      'while files are uploaded',
      /"transfer-progress"[^\n]*"bytes":[1-9]/,
      { config: { strategy: 'sftp' }, large: true },
    ],
    ['while the release is unpacked', started('deploy:unpack'), { config: { strategy: 'sftp' }, large: true }],
    [
      'while a task runs before the switch',
      '"text":"here',
      { config: { strategy: 'sftp' }, recipes: slowTask('deploy:updated'), slow: true },
    ],
    [
      'while the application restarts',
      '"text":"here',
      { config: { strategy: 'sftp' }, recipes: slowTask('deploy:restart'), slow: true },
    ],
    [
      'when all hosts have switched, but the release is not finished',
      '"text":"here',
      { config: { strategy: 'sftp' }, recipes: slowTask('deploy:published'), slow: true },
    ],
  ];

  test.each(cases)('%s: the release before serves, and nothing is left', async (_, at, { large, slow, ...config }) => {
    await withProject(async (project, first) => {
      await project.configure(config);
      await project.commit({
        ...(large ? makeLargeApplication({ files: 300, bytes: 40_000_000 }) : {}),
        ...(slow ? { slow: '' } : {}),
      });
      expectInterrupted(await interrupt(project, at));
      await expectOnly(project, first);
      await expectNothingLeft(project);
      if (!slow) return;
      await project.git('rm', '-q', 'slow');
      await project.commit({});
      expect((await project.deploy()).exitCode).toBe(0); // the way is free
    });
  });

  test.each(['SIGTERM', 'SIGHUP'] as const)('by %s is the same', async (signal) => {
    await withProject(async (project, first) => {
      await project.configure({ config: { strategy: 'sftp' }, recipes: slowTask('deploy:restart') });
      await project.commit({ slow: '' });
      expectInterrupted(await interrupt(project, '"text":"here', signal));
      await expectOnly(project, first);
    });
  });

  test('after the release is finished leaves it serving: nothing is undone that is done', async () => {
    await withProject(async (project, first) => {
      await project.configure({ config: { strategy: 'sftp' }, recipes: slowTask('deploy:finishing') });
      await project.commit({ slow: '' });
      const run = await interrupt(project, '"text":"here');
      expect(run.exitCode).toBe(130);
      for (const host of project.hosts) {
        const { current, releases, strays } = await lookAt(host, project.application);
        expect({ current, releases, strays }).toEqual({
          ...{ current: run.summary.release, releases: [first, run.summary.release], strays: [] },
        });
      }
    });
  });

  test('of a command that does not want to end by TERM kills it', async () => {
    await withProject(async (project) => {
      const cli = project.start(['run', '--', "trap '' TERM INT HUP; echo here; sleep 305; sleep 306"]);
      await cli.seen('"text":"here');
      cli.signal('SIGINT');
      expect((await cli.deployed).exitCode).toBe(130);
    });
  });

  test('while a host does not answer touches no host', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const project = await makeProject({ fleet, application: `app${++count}` });
    try {
      const hosts = fleet.hosts.map((host) => ({ host: host.address, port: host.port }));
      await project.configure({
        config: { stages: { production: { hosts: [...hosts, { host: '127.0.0.1', port }] } } },
      });
      expectInterrupted(await interrupt(project, /("host-connected"[\s\S]*){3}/));
      for (const host of fleet.hosts) expect(existsSync(join(host.files, project.application))).toBe(false);
      await expectNothingLeft(project);
    } finally {
      await project.remove();
      silent.close();
    }
  });

  test('while a repository does not answer touches no host', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const project = await makeProject({ fleet, application: `app${++count}` });
    try {
      await project.configure({ source: `git({ repository: 'git://127.0.0.1:${port}/shop.git', ref: 'main' })` });
      const cli = project.start();
      const connected = once(silent, 'connection') as Promise<[Socket]>;
      const ended = cli.result.then(({ stderr }): never => {
        throw new Error(`it ended before it asked: ${stderr}`);
      });
      const [socket] = await Promise.race([connected, ended]);
      cli.signal('SIGINT');
      expect((await cli.deployed).exitCode).toBe(130);
      socket.destroy();
      for (const host of fleet.hosts) expect(existsSync(join(host.files, project.application))).toBe(false);
      expect(await project.leftovers()).toEqual([]);
    } finally {
      await project.remove();
      silent.close();
    }
  });

  test('while a build step runs ends the step with all that it started', async () => {
    await withProject(async (project, first) => {
      await project.configure({ config: { strategy: 'sftp', build: `${said(1)} & ${said(2)} & wait; echo on` } });
      const cli = project.start();
      for (const word of [1, 2]) await cli.seen(new RegExp(`"text":"[^"]*here ${word}`)); // both may come in one text
      const running = descendants(cli.pid);
      expect(running.length).toBeGreaterThanOrEqual(2);
      cli.signal('SIGTERM');
      expectInterrupted(await cli.deployed);
      expect(running.filter(({ pid }) => isRunning(pid))).toEqual([]);
      await expectOnly(project, first);
    });
  });

  test('twice ends at once, and the hosts become clean by themselves', async () => {
    await withProject(async (project, first) => {
      await project.configure({ config: { strategy: 'sftp' }, recipes: stubbornTask });
      await project.commit({ slow: '' });
      const cli = await startUntil(project, /("text":"here[\s\S]*){3}/);
      cli.signal('SIGINT');
      await cli.seen('once more ends at once');
      cli.signal('SIGINT');
      const { exitCode, summary } = await cli.deployed;
      expect({ exitCode, summary }).toMatchObject({
        ...{ exitCode: 130, summary: { exitCode: 130, hosts: [] } },
      });
      expect(summary.error?.message).toContain('deploy production releases');
      await cli.locksGone;
      await expectOnly(project, first);
      for (const host of project.hosts) expect(await host.quiet()).toEqual([]);
      await removeLeftovers(project);
    });
  });

  test.each([
    [
      'while a swarm distributes',
      { config: { strategy: 'torrent' } },
      makeLargeApplication({ files: 100, bytes: 60_000_000 }),
      /"transfer-progress"[^\n]*"bytes":[1-9]/,
    ],
    [
      'while commands run that do not want to end',
      { config: { strategy: 'sftp' }, recipes: stubbornTask },
      { slow: '' },
      /("text":"here[\s\S]*){3}/,
    ],
  ])('of the program that is killed %s leaves hosts that become clean by themselves', async (_, config, files, at) => {
    await withProject(async (project, first) => {
      await project.configure(config as ConfigOptions);
      await project.commit(files);
      const cli = await startUntil(project, at);
      cli.signal('SIGKILL');
      expect(await cli.result).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
      await cli.locksGone;
      await expectOnly(project, first);
      for (const host of project.hosts) expect(await host.quiet()).toEqual([]);
      await removeLeftovers(project);
    });
  });

  test.skipIf(!needs('script'))(
    'by Ctrl-C on a terminal, which goes to all of its processes, is the same',
    async () => {
      await withProject(async (project, first) => {
        await project.configure({
          config: { strategy: 'sftp', build: 'echo building' },
          recipes: slowTask('deploy:restart'),
        });
        await project.commit({ slow: '' });
        const { exitCode, screen } = await onTerminal(project, '-v', [['here', '\u0003']]);
        expect(exitCode, screen).toBe(130);
        expect(screen).toContain('interrupted');
        await expectOnly(project, first);
      });
    },
  );
});

/** A process that says that it is there, and stays: it has its pid before its word is heard. */
const said = (number: number): string => `sh -c 'echo here ${number}; exec sleep 307'`;

/** A program that ends at once cannot remove its own temporary files. */
const removeLeftovers = async (project: Project): Promise<void> => {
  for (const name of await project.leftovers()) await rm(join(project.dir, '.git/tmp', name), { recursive: true });
};

/** Starts a deploy and waits for its word; its locks are watched from the start. */
const startUntil = async (project: Project, at: RegExp) => {
  const gone = project.hosts.map((host) => lockGone(join(host.files, project.application, '.rookery')));
  const cli = project.start();
  await cli.seen(at);
  return { ...cli, locksGone: Promise.all(gone) };
};

/** Resolves when a lock was taken and has gone again. */
const lockGone = async (directory: string): Promise<void> => {
  let held = false;
  for await (const _ of watch(directory)) {
    const there = existsSync(join(directory, 'lock'));
    if (held && !there) return;
    held ||= there;
  }
};
