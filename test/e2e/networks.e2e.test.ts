import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { expectNothingLeft, lookAt } from '../support/host-files.ts';
import {
  behindBastion,
  closePorts,
  NETWORK_TOOLS,
  type NetworkFleet,
  startNetworkFleet,
  translate,
} from '../support/network-fleet.ts';
import { type Deployed, makeProject, type Project } from '../support/project.ts';
import type { SshdHost } from '../support/sshd-fleet.ts';
import { needs, needsRoot } from '../support/tools.ts';

const PAYLOAD = 6_000_000;
const ONE_COPY = 1.5; // and what the first hosts get before the last have started: a copy takes two seconds, in which a slow machine starts them all

const notices = ({ events }: Deployed, level: 'info' | 'warning'): string[] =>
  events.flatMap((event) => (event.type === 'notice' && event.level === level ? [event.message] : []));

/** Payload that left the seeder, in copies of the artifact. */
const copies = ({ summary }: Deployed): number => summary.swarm!.seederUploaded / summary.artifact!.bytes;

/** Published everywhere, by the word of the hosts' disks. */
const expectPublished = async (run: Deployed, { hosts, application }: Project): Promise<void> => {
  expect(run.summary).toMatchObject({ ok: true, exitCode: 0 });
  for (const host of hosts) {
    expect(run.of(host).status).toBe('published');
    expect((await lookAt(host, application)).current).toBe(run.summary.release);
  }
};

describe.skipIf(!needs(...NETWORK_TOOLS) || !needsRoot())('networks as they are', () => {
  let fleet: NetworkFleet;
  let project: Project;
  beforeAll(async () => {
    fleet = await startNetworkFleet({ hosts: [{}, {}, {}, {}], rate: 25 });
    project = await makeProject({ fleet });
  });
  afterEach(() => fleet.open());
  afterAll(async () => {
    await project?.remove();
    await fleet?.close();
  });

  const deploy = async (payload = randomBytes(PAYLOAD)): Promise<Deployed> => {
    await project.commit({ payload });
    return project.deploy([], { through: fleet.deployer });
  };

  test('a friendly one needs no word, and nothing of the release can be read in it', async () => {
    const payload = randomBytes(PAYLOAD);
    const heard = await fleet.tap(fleet.hosts[1]!);
    const run = await deploy(payload);
    const wire = await heard();
    await expectPublished(run, project);
    expect(copies(run)).toBeLessThan(ONE_COPY);
    expect([...notices(run, 'info'), ...notices(run, 'warning')]).toEqual([]);
    expect(wire.length).toBeGreaterThan(PAYLOAD);
    expect(wire.includes('SSH-2.0-')).toBe(true); // what is not encrypted would be seen
    expect(wire.includes('BitTorrent protocol')).toBe(false);
    for (let at = 0; at < PAYLOAD; at += PAYLOAD / 50)
      expect(wire.includes(payload.subarray(at, at + 16)), `payload from ${at}`).toBe(false);
  });

  test('a deployer behind NAT: tracker and seeder come to the hosts over SSH, and one copy leaves it', async () => {
    await fleet.firewall('deployer', closePorts('input') + translate(fleet));
    const run = await deploy();
    await expectPublished(run, project);
    expect(copies(run)).toBeLessThan(ONE_COPY);
    expect(notices(run, 'info')).toEqual([
      expect.stringMatching(/^tracker and seeder are carried over SSH to .*: they see this machine as 10\.78\.0\.2$/),
    ]);
    expect(notices(run, 'warning')).toEqual([]);
  });

  test('a deployer behind a firewall: found out by the hosts, and the same', async () => {
    await fleet.firewall('deployer', closePorts('input'));
    const run = await deploy();
    await expectPublished(run, project);
    expect(copies(run)).toBeLessThan(ONE_COPY);
    expect(notices(run, 'info').join()).toMatch(/cannot reach this machine at 10\.78\.0\.1, port \d+ \(no answer\)/);
    expect(notices(run, 'warning')).toEqual([]);
  });

  test('a host whose ports are closed in both directions lives on the seeder, over SSH, and is named', async () => {
    const host = fleet.hosts[2]!;
    await fleet.firewall(host, closePorts('both'));
    const run = await deploy();
    await expectPublished(run, project);
    expect(copies(run)).toBeLessThan(1 + ONE_COPY);
    const warned = notices(run, 'warning').join('\n');
    expect(warned).toMatch(new RegExp(`${host.address}.* cannot .*reach.*on port 42\\d\\d\\d.*: no answer`));
  });

  test('deploy:check tells of closed ports ahead, and leaves nothing', async () => {
    const host = fleet.hosts[2]!;
    await fleet.firewall(host, closePorts('both'));
    const run = await project.deploy(['deploy:check'], { through: fleet.deployer });
    expect(run.exitCode).toBe(0);
    expect(notices(run, 'warning').join('\n')).toMatch(
      new RegExp(`${host.address}.* cannot .*reach.*on port 42\\d\\d\\d.*: no answer`),
    );
    expect(run.events).toContainEqual(
      expect.objectContaining({
        type: 'task-end',
        task: 'swarm:check',
        ok: true,
        detail: expect.stringContaining('see the warnings'),
      }),
    );
    await expectNothingLeft(project);
  });

  test('a host that takes no calls calls the others', async () => {
    const host = fleet.hosts[1]!;
    await fleet.firewall(host, closePorts('input', 'reject'));
    const run = await deploy();
    await expectPublished(run, project);
    expect(copies(run)).toBeLessThan(ONE_COPY);
    expect(notices(run, 'warning').join('\n')).not.toContain('no other host');
  });

  test('hosts that only a bastion reaches, and that reach nobody but each other, in two zones', async () => {
    const [bastion, ...inner] = fleet.hosts as [SshdHost, ...SshdHost[]];
    for (const host of inner) await fleet.firewall(host, behindBastion(fleet));
    const { user, identityFile, knownHostsFile } = fleet;
    const proxyJump = `${user}@${bastion.address}:${bastion.port}`;
    await project.configure({
      ...{ hosts: inner, config: { ssh: { user, identityFile, knownHostsFile, proxyJump } } },
      host: (index) => ({ zone: index === 0 ? 'a' : 'b' }),
    });
    const run = await deploy();
    await expectPublished(run, { ...project, hosts: inner });
    expect(copies(run)).toBeLessThan(ONE_COPY);
    expect(notices(run, 'info').join()).toContain(`they see this machine as ${bastion.address}`);
    expect(notices(run, 'warning')).toEqual([]);
  });
});

describe.skipIf(!needs(...NETWORK_TOOLS) || !needsRoot())('a fleet with IPv6 alone', () => {
  test('is deployed to, directly and through SSH, also by way of an sshd that forwards nothing', async () => {
    const hosts = [{}, {}, { config: ['AllowTcpForwarding no'] }];
    const fleet = await startNetworkFleet({ hosts, family: 6, rate: 100 });
    const project = await makeProject({ fleet });
    try {
      const direct = await project.deploy([], { through: fleet.deployer });
      await expectPublished(direct, project);
      expect([...notices(direct, 'info'), ...notices(direct, 'warning')]).toEqual([]);

      await project.configure({ config: { swarm: { reach: 'ssh' } } });
      await project.commit({ payload: randomBytes(PAYLOAD) });
      const carried = await project.deploy([], { through: fleet.deployer });
      await expectPublished(carried, project);
      expect(copies(carried)).toBeLessThan(ONE_COPY);
      expect(notices(carried, 'info').join()).toContain('carried over SSH');
      expect(notices(carried, 'warning')).toEqual([
        expect.stringMatching(/^fd78::d: no way to the seeder but by other hosts: .*AllowTcpForwarding/),
      ]);
    } finally {
      await project.remove();
      await fleet.close();
    }
  });
});
