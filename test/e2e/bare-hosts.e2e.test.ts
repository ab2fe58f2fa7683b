import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runtimeName } from '#runtime/node-packages.ts';
import { expectNothingLeft, lookAt } from '../support/host-files.ts';
import { closePorts, NETWORK_TOOLS, type NetworkFleet, startNetworkFleet } from '../support/network-fleet.ts';
import { type Deployed, makeProject, type Project } from '../support/project.ts';
import { hashFile, nodeOfLine, runtimeCache, runtimeHere } from '../support/runtime-cache.ts';
import { SSHD_TOOLS, type SshdFleet, type SshdHost, startSshdFleet } from '../support/sshd-fleet.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';
import { needs, needsRoot } from '../support/tools.ts';

const NO_NODE = ['node', 'nodejs'];
const SYSTEM = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const env = { XDG_CACHE_HOME: runtimeCache };

const runtimesOf = (host: SshdHost) => readdir(join(host.files, 'shop/.rookery/runtime')).catch(() => []);

const detailOf = ({ events }: Deployed) =>
  events.flatMap((event) => (event.type === 'task-end' && event.task === 'swarm:runtime' ? [event.detail] : []))[0];
const warnings = ({ events }: Deployed) =>
  events.flatMap((event) => (event.type === 'notice' && event.level === 'warning' ? [event.message] : []));

describe.skipIf(!needs(...SSHD_TOOLS, 'git', 'npm'))('hosts without a fit Node', () => {
  let dir: string;
  let fleet: SshdFleet;
  const bare: SshdHost[] = [];
  let node18: SshdHost;
  let corrupting: SshdHost;
  let broken: SshdHost;
  let project: Project;
  beforeAll(async () => {
    dir = await makeTempDir('bare');
    await mkdir(join(dir, 'bin'));
    await writeFile(join(dir, 'bin/gzip'), `#!/bin/sh\n[ "$1" = -dc ] && head -c 100000 > /dev/null\nexit 1\n`);
    await chmod(join(dir, 'bin/gzip'), 0o755);
    await mkdir(join(dir, 'broken'));
    await writeFile(join(dir, 'broken/node'), '#!/bin/sh\n[ "$1" = --version ] && echo v20.0.0 || exit 3\n');
    await chmod(join(dir, 'broken/node'), 0o755);
    const [old, fit] = [await nodeOfLine(16), await nodeOfLine(18)];
    fleet = await startSshdFleet({
      hosts: [
        { without: NO_NODE },
        { without: [...NO_NODE, 'perl'] },
        { path: `${old}:${SYSTEM}` },
        { without: [...NO_NODE, 'perl', 'python3', 'gzip', 'sha256sum'] },
        { path: `${fit}:${SYSTEM}` },
        { path: `${dir}/bin:${SYSTEM}`, without: NO_NODE },
        { path: `${dir}/broken:${SYSTEM}` },
      ],
    });
    bare.push(...fleet.hosts.slice(0, 4));
    [node18, corrupting, broken] = fleet.hosts.slice(4) as [SshdHost, SshdHost, SshdHost];
    project = await makeProject({ fleet, hosts: [...bare, node18, broken], config: { swarm: { minBytes: 0 } } });
  });
  afterAll(async () => {
    await project?.remove();
    await fleet?.close();
    await removeTempDir(dir);
  });

  const commands = ({ events }: Deployed, type: 'command-planned' | 'command-start') =>
    events
      .flatMap((event) =>
        event.type === type && event.task === 'swarm:runtime' ? [{ host: event.host, text: event.text }] : [],
      )
      .sort((a, b) => (a.host < b.host ? -1 : 1));
  test('pass one on to each other and keep it; the next deploy sends nothing', async () => {
    const dry = await project.deploy(['-n'], { env });
    const first = await project.deploy([], { env });
    expect(first.summary).toMatchObject({ exitCode: 0 });
    expect(warnings(first)).toEqual([
      expect.stringContaining(`${broken.address}: its own Node.js does not run the peer`),
    ]);
    // one copy for those that pass it on, and one for the host that has nothing to pass it on with
    expect(detailOf(first)).toBe(`Node ${runtimeHere().version} to 4 hosts, 2 copies sent`);
    expect(commands(first, 'command-start').map(({ host }) => host)).toEqual(bare.map(({ address }) => address));
    expect(commands(dry, 'command-planned')).toEqual(commands(first, 'command-start'));
    for (const host of [...bare, broken]) {
      expect(await runtimesOf(host)).toEqual([runtimeName(runtimeHere())]);
      const path = join(host.files, 'shop/.rookery/runtime', runtimeName(runtimeHere()), 'node');
      expect(await hashFile(path)).toBe(runtimeHere().sha256);
    }
    expect(await runtimesOf(node18)).toEqual([]);
    for (const host of project.hosts)
      expect(await lookAt(host, 'shop')).toMatchObject({ current: first.summary.release });
    await expectNothingLeft(project);

    const second = await project.deploy([], { env });
    expect(second.summary).toMatchObject({ exitCode: 0 });
    expect(commands(second, 'command-start')).toEqual([]);
  });

  test('one that does not get it whole is named, and those behind it get it all the same', async () => {
    const hosts = [bare[0]!, corrupting, bare[1]!];
    for (const host of hosts) await fleet.ssh(host, `rm -rf ${host.deployTo('shop')}/.rookery/runtime`);
    await project.configure({ hosts });
    const run = await project.deploy(['--max-failures', '1'], { env });
    expect(run.summary).toMatchObject({ exitCode: 3 });
    expect(run.of(corrupting).error).toMatchObject({
      ...{ code: 'verify', task: 'swarm:runtime' },
      message: expect.stringContaining('did not arrive as it was sent'),
    });
    expect(await runtimesOf(corrupting)).toEqual([]);
    for (const host of [bare[0]!, bare[1]!]) expect(run.of(host)).toMatchObject({ status: 'published' });
    await expectNothingLeft(project);
  });
});

describe.skipIf(!needs(...NETWORK_TOOLS, 'git', 'npm') || !needsRoot())('hosts without Node in an IPv6 network', () => {
  let dir: string;
  let fleet: NetworkFleet;
  let project: Project;
  beforeAll(async () => {
    dir = await makeTempDir('bare');
    await writeFile(join(dir, 'perl'), '#!/bin/sh\nexit 2\n');
    await chmod(join(dir, 'perl'), 0o755);
    const hosts = [SYSTEM, SYSTEM, SYSTEM, `${dir}:${SYSTEM}`].map((path) => ({ path, without: NO_NODE }));
    fleet = await startNetworkFleet({ hosts, family: 6, rate: 200 });
    project = await makeProject({ fleet });
  });
  afterAll(async () => {
    await project?.remove();
    await fleet?.close();
    await removeTempDir(dir);
  });

  test('an interrupt while they get it leaves nothing', async () => {
    const run = project.start([], { env, through: fleet.deployer });
    await run.seen(/"command-start".*"task":"swarm:runtime"/);
    run.signal('SIGINT');
    expect((await run.deployed).summary).toMatchObject({ exitCode: 130 });
    await expectNothingLeft(project);
    for (const host of fleet.hosts) expect(await runtimesOf(host)).toEqual([]);
  });

  test('one that cannot be called is named with its port; it and one whose Perl does not work get a copy of their own', async () => {
    await fleet.firewall(fleet.hosts[2]!, closePorts('input', 'reject'));
    const run = await project.deploy([], { env, through: fleet.deployer });
    expect(run.summary).toMatchObject({ exitCode: 0 });
    expect(detailOf(run)).toBe(`Node ${runtimeHere().version} to 4 hosts, 3 copies sent`);
    const [before, closed] = [fleet.hosts[1]!, fleet.hosts[2]!].map(({ address }) => address);
    const words = new RegExp(`${before} cannot reach ${closed} at ${closed}.* on port \\d+ .*: the runtime goes there`);
    expect(warnings(run)).toContainEqual(expect.stringMatching(words));
  });
});
