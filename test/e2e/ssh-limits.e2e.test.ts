import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeProject, type Project } from '../support/project.ts';
import { SSHD_TOOLS, type SshdFleet, type SshdHost, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs } from '../support/tools.ts';

describe.skipIf(!needs(...SSHD_TOOLS, 'git'))('an sshd with low limits', () => {
  let fleet: SshdFleet;
  let project: Project;
  let gate: SshdHost;
  let hosts: readonly SshdHost[];
  beforeAll(async () => {
    const narrow = { maxSessions: 2, maxStartups: '3:100:3' };
    const crowded = { maxSessions: 4, maxStartups: '10:30:60' };
    fleet = await startSshdFleet({ hosts: [{ maxStartups: '3:100:3' }, narrow, narrow, crowded] });
    gate = fleet.hosts[0]!;
    hosts = fleet.hosts.slice(1, 3);
    project = await makeProject({ fleet, hosts });
  });
  afterAll(async () => {
    await fleet?.close();
    await project?.remove();
  });

  test.each(['torrent', 'sftp'])('a deploy waits for its turn on two channels a host: %s', async (strategy) => {
    await project.configure({ config: { strategy } });
    const { exitCode, summary, stderr } = await project.deploy();
    expect({ exitCode, stderr, errors: summary.hosts.map(({ error }) => error) }).toEqual({
      exitCode: 0,
      stderr: '',
      errors: [undefined, undefined],
    });
  });

  const expectAll = async (names: readonly string[], lines: readonly string[]) => {
    await mkdir(join(project.dir, '.ssh'), { recursive: true });
    await writeFile(
      join(project.dir, '.ssh', 'config'),
      [
        ...['Host inner*', `  Port ${gate.port}`, `  User ${fleet.user}`, `  IdentityFile ${fleet.identityFile}`],
        ...[`  UserKnownHostsFile ${fleet.knownHostsFile}`, ...lines, ''],
      ].join('\n'),
    );
    await project.configure({ config: { ssh: {}, stages: { production: { hosts: names } } } });
    const { exitCode, summary } = await project.deploy(['run', '--', 'true']);
    expect({ exitCode, errors: summary.hosts.map(({ error }) => error?.message) }).toEqual({
      exitCode: 0,
      errors: names.map(() => undefined),
    });
  };
  const inner = (count: number) => Array.from({ length: count }, (_, index) => `inner${index + 1}`);

  test('sixty hosts at once on an sshd with MaxStartups 10:30:60 and MaxSessions 4', () =>
    expectAll(inner(60), [`  HostName ${fleet.hosts[3]!.address}`]));

  test('many hosts behind a bastion that drops the fourth who has not logged in yet', async () => {
    const proxy = `ssh ${fleet.sshOptions.join(' ')} -p %p -W %h:%p %r@${gate.address}`;
    await expectAll(inner(12), [`  HostName ${hosts[0]!.address}`, `  ProxyCommand ${proxy}`]);
    expect(gate.log()).toMatch(/drop connection|Exceeded MaxStartups|beginning MaxStartups throttling/i);
  });
});
