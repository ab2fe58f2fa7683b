/** A fleet that changes hands between Capistrano, the real one, and Rookery, in both directions. */
import { readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cap, writeCapistranoProject } from '../support/capistrano.ts';
import { lookAt } from '../support/host-files.ts';
import { makeProject } from '../support/project.ts';
import { SSHD_TOOLS, type SshdFleet, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs, needsRoot } from '../support/tools.ts';

// Capistrano takes one path for all hosts, and they have the same path apart for root only.
describe.skipIf(!needs('cap', 'git', ...SSHD_TOOLS) || !needsRoot())('8 hosts of Capistrano', () => {
  let fleet: SshdFleet;
  let project: Awaited<ReturnType<typeof makeProject>>;
  const capistrano = () => join(project.dir, '.git/capistrano');
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: 8 });
    project = await makeProject({ fleet, config: { linkedDirs: ['log'], keepReleases: 3 } });
    await writeCapistranoProject({
      ...{ dir: capistrano(), application: 'shop', repository: project.dir, fleet },
      ...{ linkedDirs: ['log'], keepReleases: 3 },
    });
  });
  afterAll(async () => {
    await project?.remove();
    await fleet?.close();
  });

  /** What every host serves now; they must agree. */
  const served = async (): Promise<{ release: string; page: string; revision: string }> => {
    const all = await Promise.all(
      fleet.hosts.map(async (host) => {
        const link = await readlink(join(host.files, 'shop/current'));
        expect(link).toBe(`${host.deployTo('shop')}/releases/${basename(link)}`); // Capistrano's cleanup compares whole paths
        const read = (path: string) => readFile(join(host.files, 'shop/releases', basename(link), path), 'utf8');
        return { release: basename(link), page: await read('index.html'), revision: (await read('REVISION')).trim() };
      }),
    );
    for (const one of all) expect(one).toEqual(all[0]);
    return all[0]!;
  };
  const rookery = async (...words: string[]): Promise<void> => {
    const { exitCode, stderr, summary } = await project.deploy(words, { env: { USER: 'alice' } });
    expect(exitCode, `${stderr}${JSON.stringify(summary)}`).toBe(0);
  };
  const page = async (text: string): Promise<{ page: string; revision: string }> => {
    const revision = await project.commit({ 'index.html': `${text}\n` });
    return { page: `${text}\n`, revision };
  };

  // Each step begins where the one before it ended.
  let byCapistrano: Awaited<ReturnType<typeof served>>;

  test('Capistrano deploys', async () => {
    const one = await page('one, by Capistrano');
    await cap(capistrano(), 'deploy');
    byCapistrano = await served();
    expect(byCapistrano).toMatchObject(one);
  });

  test('Rookery takes over', async () => {
    const two = await page('two, by Rookery');
    await rookery();
    expect(await served()).toMatchObject(two);
  });

  test("Rookery goes back to Capistrano's release", async () => {
    await rookery('deploy:rollback');
    expect(await served()).toEqual(byCapistrano);
  });

  test('Rookery deploys again', async () => {
    const three = await page('three, by Rookery');
    await rookery();
    expect(await served()).toMatchObject(three);
  });

  test('Capistrano, for which the newest by mtime is what served last, goes back to its own', async () => {
    await cap(capistrano(), 'deploy:rollback');
    expect(await served()).toEqual(byCapistrano);
  });

  test('Capistrano deploys, cleans up, and finds what it knows', async () => {
    const four = await page('four, by Capistrano');
    await cap(capistrano(), 'deploy');
    expect(await served()).toMatchObject(four);
    for (const host of fleet.hosts) {
      const { log, releases } = await lookAt(host, 'shop');
      expect(log.map((line) => line.replace(/\d{14}|\([^)]*\)/g, '…'))).toEqual([
        'Branch main … deployed as release … by bob',
        'Branch main … deployed as release … by alice',
        'alice rolled back to release …',
        'Branch main … deployed as release … by alice',
        'bob rolled back to release …',
        'Branch main … deployed as release … by bob',
      ]);
      expect(releases).toHaveLength(2);
    }
  });
});
