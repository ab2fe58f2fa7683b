import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Pending } from '#protocol/events.ts';
import { expectNothingLeft, lookAt, treeOf } from '../support/host-files.ts';
import { type Deployed, makeProject, type Project } from '../support/project.ts';
import { SSHD_TOOLS, type SshdFleet, type SshdHost, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs } from '../support/tools.ts';

describe.skipIf(!needs('git', ...SSHD_TOOLS))('three hosts of which not all serve the same', () => {
  let fleet: SshdFleet;
  let [a, b, c]: readonly SshdHost[] = [];
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: 3 });
    [a, b, c] = fleet.hosts;
  });
  afterAll(() => fleet?.close());

  const released = async (project: Project, ...words: string[]): Promise<string> => {
    const run = await project.deploy(words);
    expect(run.exitCode, `${run.stderr}${JSON.stringify(run.summary)}`).toBe(0);
    return run.summary.release!;
  };
  const statuses = ({ summary }: Deployed) => summary.hosts.map(({ status }) => status);
  const trees = (project: Project, hosts = fleet.hosts) =>
    Promise.all(hosts.map((host) => treeOf(host, project.application)));
  const inside = (project: Project, host: SshdHost, ...path: string[]) =>
    join(host.files, project.application, ...path);
  /** Refused in such words, with exit code 1, and nothing is touched on any host. */
  const expectRefused = async (project: Project, words: RegExp) => {
    const before = await trees(project);
    const refused = await project.deploy(['--only-failed']);
    expect(refused.exitCode).toBe(1);
    expect(refused.summary.error?.message).toMatch(words);
    expect(await trees(project)).toEqual(before);
  };
  const pending = async (project: Project, ...words: string[]) => {
    const { events, exitCode } = await project.deploy(['pending', ...words]);
    expect(exitCode).toBe(0);
    return events.flatMap((event): Pending[] => (event.type === 'pending' ? [event] : []));
  };

  test('--only-failed brings the release that serves to the others alone, and pending tells what each would get', async () => {
    const project = await makeProject({ fleet, config: { strategy: 'sftp' } });
    const { application } = project;
    try {
      const one = (await project.git('rev-parse', 'HEAD')).trim();
      expect(await pending(project)).toEqual([
        expect.objectContaining({
          hosts: fleet.hosts.map(({ address }) => address),
          to: one,
          without: 'nothing-served',
        }),
      ]);
      expect((await project.deploy(['deploy:check'])).exitCode).toBe(0);
      await expectRefused(project, /no host serves a release/);

      const first = await released(project, '-z', `${a!.address},${b!.address}`);
      const two = await project.commit({ version: 'two\n' });
      const three = await project.commit({ version: 'three\n' });
      await mkdir(inside(project, c!, 'releases', first, 'half'), { recursive: true });
      await mkdir(inside(project, c!, '.rookery/releases'), { recursive: true });
      await writeFile(inside(project, c!, '.rookery/releases', first), `building\t${one}\tbob\t\n`);
      await writeFile(inside(project, a!, '.rookery/lock'), '{"by":"bob"}\n'); // nobody has to wait for a question
      const commits = [three, two].map((revision) => ({ revision, subject: 'a change' }));
      expect(await pending(project)).toEqual([
        expect.objectContaining({ hosts: [a!.address, b!.address], from: one, to: three, commits, dropped: [] }),
        expect.objectContaining({ hosts: [c!.address], to: three, without: 'nothing-served' }),
      ]);
      await rm(inside(project, a!, '.rookery/lock'));

      // the host where the run has left half of the release gets it whole, as it was then; the others are left alone
      const others = await trees(project, [a!, b!]);
      const finished = await project.deploy(['--only-failed']);
      expect(finished.summary).toMatchObject({ exitCode: 0, release: first, revision: one });
      expect(statuses(finished)).toEqual(['unchanged', 'unchanged', 'published']);
      expect(await trees(project, [a!, b!])).toEqual(others);
      expect(await lookAt(c!, application)).toMatchObject({ current: first, releases: [first], strays: [] });
      expect((await lookAt(c!, application)).log).toEqual([
        expect.stringContaining(`(at ${one}) deployed as release ${first}`),
      ]);
      expect(Object.keys(await treeOf(c!, `${application}/releases/${first}`))).not.toContain('half');
      expect(await readFile(inside(project, c!, 'releases', first, 'REVISION'), 'utf8')).toBe(`${one}\n`);

      const again = await project.deploy(['--resume']);
      expect(again.exitCode).toBe(0);
      expect(statuses(again)).toEqual(['unchanged', 'unchanged', 'unchanged']);
      const message = expect.stringContaining(`every host serves ${first} already`);
      expect(again.events).toContainEqual(expect.objectContaining({ type: 'notice', level: 'info', message }));

      // where that fails, the hosts that it was brought to go back, and the host that serves it goes on doing so
      const second = await released(project, '-z', a!.address);
      const recipes = `[defineRecipe({ name: 'f', tasks: [task('f', 'F', ({ on, hosts }) =>
        on(hosts.slice(0, 1), ({ run }) => run(['false'])))], after: { 'deploy:published': 'f' } })]`;
      await project.configure({ config: { strategy: 'sftp' }, recipes });
      const before = await trees(project);
      const failed = await project.deploy(['--only-failed']);
      expect([failed.exitCode, ...statuses(failed)]).toEqual([1, 'unchanged', 'failed', 'reverted']);
      expect(await trees(project)).toEqual(before);
      await project.configure({ config: { strategy: 'sftp' } });

      // hosts that serve different revisions, one of them unknown, and another ref
      await writeFile(inside(project, c!, '.rookery/releases', first), `published\t${'9'.repeat(40)}\tbob\t\n`);
      expect(await pending(project, '--ref', 'main~1')).toEqual([
        expect.objectContaining({
          hosts: [a!.address],
          from: three,
          to: two,
          commits: [],
          dropped: commits.slice(0, 1),
        }),
        expect.objectContaining({ hosts: [b!.address], from: one, to: two, commits: commits.slice(1), dropped: [] }),
        expect.objectContaining({ hosts: [c!.address], from: '9'.repeat(40), to: two, without: 'unknown-revision' }),
      ]);
      const { stdout } = await project.run(['production', 'pending']);
      expect(stdout).toContain(`${a!.address}: Branch main (${three.slice(0, 7)}) is served: nothing is pending\n`);
      expect(stdout).toContain(
        `would bring 2 commits\n  + ${three.slice(0, 7)} a change\n  + ${two.slice(0, 7)} a change\n`,
      );
      expect(stdout).toContain(`${c!.address}: ${'9'.repeat(40)} is served, which the repository does not know`);

      expect(await released(project, '--only-failed')).toBe(second);
      for (const host of fleet.hosts) expect((await lookAt(host, application)).current).toBe(second);
      await expectNothingLeft(project);
    } finally {
      await project.remove();
    }
  });

  test('of a directory the same content is brought to the others, and nothing where it has changed since', async () => {
    const options = { config: { strategy: 'sftp' }, source: "dir('built')" };
    const project = await makeProject({ fleet, application: 'site', files: { 'built/page': 'one\n' }, ...options });
    try {
      const first = await released(project, '-z', a!.address);
      expect((await project.deploy(['deploy:check'])).exitCode).toBe(0);
      await writeFile(join(project.dir, 'built/more'), '');
      await expectRefused(
        project,
        new RegExp(`the source has changed since ${first}: .* deploy without --only-failed`),
      );
      expect((await pending(project)).map(({ hosts, without }) => [hosts, without])).toEqual([
        [[a!.address], 'no-history'],
        [[b!.address, c!.address], 'nothing-served'],
      ]);
      await rm(join(project.dir, 'built/more'));
      const finished = await project.deploy(['--only-failed']);
      expect([finished.exitCode, finished.summary.release]).toEqual([0, first]);
      expect(statuses(finished)).toEqual(['unchanged', 'published', 'published']);
      await expectNothingLeft(project);
      for (const words of [
        ['releases', '--only-failed'],
        ['--only-failed', '--ref', 'main'],
      ])
        expect(await project.run(['production', ...words])).toMatchObject({ exitCode: 2, stdout: '' });
    } finally {
      await project.remove();
    }
  });
});
