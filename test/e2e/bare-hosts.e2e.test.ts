import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runtimeName } from '#runtime/node-packages.ts';
import { expectNothingLeft, lookAt } from '../support/host-files.ts';
import { type Deployed, makeProject, type Project } from '../support/project.ts';
import { hashFile, runtimeCache, runtimeHere } from '../support/runtime-cache.ts';
import { SSHD_TOOLS, type SshdFleet, type SshdHost, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs } from '../support/tools.ts';

const NO_NODE = ['node', 'nodejs'];
const env = { XDG_CACHE_HOME: runtimeCache };

describe.skipIf(!needs(...SSHD_TOOLS, 'git', 'npm'))('hosts without Node', () => {
  let fleet: SshdFleet;
  let bare: readonly SshdHost[];
  let project: Project;
  const runtimes = (host: SshdHost) => join(host.files, 'shop/.rookery/runtime');
  const sent = ({ events }: Deployed): string[] =>
    events.flatMap((event) => (event.type === 'command-start' && event.task === 'swarm:runtime' ? [event.host] : []));
  beforeAll(async () => {
    fleet = await startSshdFleet({
      hosts: [{ without: NO_NODE }, { without: [...NO_NODE, 'gzip', 'sha256sum'] }, { without: NO_NODE }, {}],
    });
    bare = fleet.hosts.slice(0, 3);
    project = await makeProject({ fleet });
  });
  afterAll(async () => {
    await project?.remove();
    await fleet?.close();
  });

  test('get one that is kept for later deploys, and no other host does', async () => {
    const first = await project.deploy([], { env });
    expect(first.summary).toMatchObject({ exitCode: 0 });
    expect(new Set(sent(first))).toEqual(new Set(bare.map(({ address }) => address)));
    for (const host of fleet.hosts)
      expect(await lookAt(host, 'shop')).toMatchObject({ current: first.summary.release, strays: [] });
    for (const host of bare) {
      expect(await readdir(runtimes(host))).toEqual([runtimeName(runtimeHere())]);
      expect(await hashFile(join(runtimes(host), runtimeName(runtimeHere()), 'node'))).toBe(runtimeHere().sha256);
    }
    await expectNothingLeft(project);
    const second = await project.deploy([], { env });
    expect(second.summary).toMatchObject({ exitCode: 0 });
    expect(sent(second)).toEqual([]);
  });
});
