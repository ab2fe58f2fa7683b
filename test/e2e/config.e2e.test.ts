import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { treeOf } from '../support/host-files.ts';
import { makeProject, type Project } from '../support/project.ts';
import { SSHD_TOOLS, type SshdFleet, startSshdFleet } from '../support/sshd-fleet.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';
import { needs } from '../support/tools.ts';

describe.skipIf(!needs(...SSHD_TOOLS, 'git'))(
  'a mistake that can be found at home ends with 2 before anything is done on a host',
  () => {
    let fleet: SshdFleet;
    let project: Project;
    let logs: string[];
    beforeAll(async () => {
      fleet = await startSshdFleet({ hosts: 2, config: ['Match all', 'LogLevel VERBOSE'] }); // it logs every session
      project = await makeProject({ fleet });
      logs = fleet.hosts.map((host) => host.log());
    });
    afterAll(async () => {
      await fleet?.close();
      await project?.remove();
    });
    beforeEach(() => project.configure({}));

    /** Runs it, looks at the hosts, which nobody has come to, and gives the words. */
    const refusal = async (words: readonly string[] = []): Promise<string> => {
      const said = await refusalMeanwhile(words);
      expect(fleet.hosts.map((host) => host.log())).toEqual(logs);
      return said;
    };
    /** The same where hosts may be logged in to meanwhile: nothing runs there, and nothing is told of them. */
    const refusalMeanwhile = async (words: readonly string[] = []): Promise<string> => {
      const { exitCode, summary, stderr, events } = await project.deploy(words);
      expect({ exitCode, summary }).toMatchObject({ exitCode: 2, summary: { ok: false, exitCode: 2, hosts: [] } });
      expect(events.map(({ type }) => type)).toEqual(['summary']);
      await Promise.all(fleet.hosts.map((host) => host.left()));
      for (const host of fleet.hosts) expect(host.log()).not.toContain('Starting session');
      for (const host of fleet.hosts) expect(await treeOf(host, 'shop')).toEqual({});
      expect(await project.leftovers()).toEqual([]);
      expect(stderr).toContain(summary.error?.message);
      expect(stderr).not.toMatch(/bug in rookery|\n\s+at /);
      return summary.error?.message ?? '';
    };

    test('all unknown keys and wrong types are told at once, with their paths and a suggestion', async () => {
      await project.configure({
        config: { keepReleses: 3, keepReleases: 'five', strategy: 'ftp', linkedFiles: '.env', ssh: { usr: 'root' } },
        host: { portt: 1, roles: [7] },
      });
      const words = await refusal();
      expect(words).toContain('deploy.config.ts');
      for (const problem of [
        /keepReleses: unknown key.*keepReleases/,
        /keepReleases: must be a number/,
        /strategy: must be 'torrent' or 'sftp'/,
        /linkedFiles: must be a list/,
        /ssh\.usr: unknown key.*user/,
        /stages\.production\.hosts\[0\]\.portt: unknown key.*port/,
        /stages\.production\.hosts\[1\]\.portt: unknown key/,
        /stages\.production\.hosts\[0\]\.roles\[0\]: must be a text/,
      ])
        expect(words).toMatch(problem);
    });

    test('a configuration that cannot be loaded is named, with the cause', async () => {
      await writeFile(join(project.dir, 'deploy.config.ts'), 'export default {{');
      expect(await refusal()).toMatch(/deploy\.config\.ts cannot be loaded/);
      await rm(join(project.dir, 'deploy.config.ts'));
      expect(await refusal()).toMatch(/no deploy\.config\.ts.*deploy init/s);
    });

    test('a value of --set is checked as the file is', async () => {
      expect(await refusal(['--set', 'keepReleases=zero'])).toMatch(/keepReleases: must be a number/);
      expect(await refusal(['--set', 'stratagy=sftp'])).toMatch(/stratagy.*strategy/);
    });

    test('an unknown stage gets a suggestion and the stages that there are', async () => {
      const { exitCode, stderr } = await project.run(['prodution']);
      expect({ exitCode, stderr }).toMatchObject({
        exitCode: 2,
        stderr: expect.stringMatching(/'prodution'.*production/s),
      });
      expect(fleet.hosts.map((host) => host.log())).toEqual(logs);
    });

    test('a stage must not be named like a command', async () => {
      await project.configure({ config: { stages: { production: { hosts: ['a'] }, releases: { hosts: ['b'] } } } });
      expect(await refusal()).toMatch(/stages\.releases: 'releases' is a command/);
    });

    test('a selection that matches no host names what matched nothing, and what there is', async () => {
      const [first] = fleet.hosts;
      expect(await refusal(['--hosts', 'web*'])).toMatch(new RegExp(`no host.*'web\\*'.*${first?.address}`, 's'));
      expect(await refusal(['--roles', 'db'])).toMatch(/no role 'db'.*app/s);
      expect(await refusal(['--limit', '0'])).toMatch(/--limit 0/);
    });

    test('an unknown task, and a hook to one, are named', async () => {
      expect(await refusal(['deploy:chekc'])).toMatch(/no task 'deploy:chekc'/);
      await project.configure({
        recipes: "[defineRecipe({ name: 'mine', after: { 'deploy:restrat': 'deploy:check' } })]",
      });
      expect(await refusal()).toMatch(/recipe mine.*'deploy:restrat'/);
    });

    test('a source directory or archive that does not exist, or is something else, is named', async () => {
      await mkdir(join(project.dir, 'folder.tar'), { recursive: true });
      for (const [source, words] of [
        [{ kind: 'dir', path: 'build' }, /directory build does not exist/],
        [{ kind: 'dir', path: 'index.html' }, /index\.html is not a directory/],
        [{ kind: 'archive', path: 'app.tar.gz' }, /archive app\.tar\.gz does not exist/],
        [{ kind: 'archive', path: 'folder.tar' }, /folder\.tar is not a file/],
      ] as const) {
        await project.configure({ config: { source } });
        expect(await refusal()).toMatch(words);
      }
    });

    test('--release belongs to a rollback: a deploy refuses it in place of deploying something else', async () => {
      expect(await refusal(['--release', '20260101000000'])).toContain('deploy:rollback --release 20260101000000');
    });

    test('an unknown option is named', async () => {
      const { exitCode, stderr } = await project.run(['production', '--frobnicate']);
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--frobnicate') });
    });

    test('a ref that does not exist is told with those that do', async () => {
      expect(await refusalMeanwhile(['--ref', 'nowhere'])).toMatch(/no ref 'nowhere'.*main/s);
      expect(await refusalMeanwhile(['--ref', '0123456789012345678901234567890123456789'])).toMatch(
        /no ref '0123456789/,
      );
      expect(await refusalMeanwhile(['--ref=--output=x'])).toMatch(/no ref '--output=x'/);
    });

    test('a directory that is no git repository is named', async () => {
      const empty = await makeTempDir('empty');
      try {
        await project.configure({ config: { source: { kind: 'git', ref: 'main', repository: empty } } });
        expect(await refusalMeanwhile()).toMatch(new RegExp(`${empty} is not a git repository`));
        await project.configure({ config: { source: { kind: 'git', ref: 'main', repository: join(empty, 'none') } } });
        expect(await refusalMeanwhile()).toMatch(new RegExp(`${empty}/none (is not a git repository|does not exist)`));
        await project.configure({ config: { source: { kind: 'git', ref: 'main', repository: `file://${empty}` } } });
        expect(await refusalMeanwhile()).toMatch(/cannot fetch 'main' from file:/);
      } finally {
        await removeTempDir(empty);
      }
    });
  },
);
