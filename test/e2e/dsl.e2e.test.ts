import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectNothingLeft, lookAt, treeOf } from '../support/host-files.ts';
import { type ConfigOptions, type Deployed, makeProject } from '../support/project.ts';
import { SSHD_TOOLS, type SshdFleet, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs } from '../support/tools.ts';

type Project = Awaited<ReturnType<typeof makeProject>>;

describe.skipIf(!needs('git', ...SSHD_TOOLS))('the words of a recipe', () => {
  let fleet: SshdFleet;
  let count = 0;
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: 3 });
  });
  afterAll(() => fleet?.close());

  const withProject = async (options: ConfigOptions, work: (project: Project) => Promise<void>) => {
    const project = await makeProject({
      ...{ fleet, application: `dsl${++count}`, host: (index) => ({ primary: index === 1 }) },
      ...options,
      config: { strategy: 'sftp', ...options.config },
    });
    try {
      await work(project);
      await expectNothingLeft(project);
    } finally {
      await project.remove();
    }
  };

  /** A recipe of one task that is run by its name. */
  const recipeOf = (body: string, more = ''): string =>
    `[defineRecipe({ name: 'mine', ${more} tasks: [task('mine', 'Mine', { locks: false, run: async (t) => { ${body} } })] })]`;

  const said = (run: Deployed): string[] =>
    run.events.flatMap((event) => (event.type === 'command-output' ? `${event.host} ${event.text.trim()}` : []));

  test('commands run within, as, with and under what surrounds them; files go up and come down whole', async () => {
    const recipes = recipeOf(
      `await t.on(t.hosts, { once: true }, async (host) => {
        const place = host.deployTo + "/shared/it's here";
        await host.execute(cmd\`mkdir -p \${place}\`);
        const inside = host.within(place).with({ WORD: 'a "b" $c' }).umask('027');
        await inside.execute(sh\`echo "$WORD" > file; mkdir sub\`);
        await inside.within('sub').execute(['tool', 'x y']);
        t.detail([await inside.test(['test', '-f', 'file']), await inside.test(cmd\`test -f nothing\`), await inside.capture(cmd\`pwd\`)].join(' '));
        await inside.upload('deploy.config.ts', 'config', { mode: 0o640 });
        await inside.upload(new TextEncoder().encode('bytes'), 'bytes');
        await inside.upload('folder', 'folder');
        await inside.download('bytes', '.git/came');
        if (new TextDecoder().decode(await inside.download('file')) !== 'a "b" $c\\n') throw new Error('other bytes');
      });`,
      "commands: { tool: ['printf', '<%s>'] }, prefix: { tool: ['env', 'PREFIXED=1'] },",
    );
    await withProject({ recipes }, async (project) => {
      expect((await project.deploy()).exitCode).toBe(0);
      await project.commit({ 'folder/a/b.txt': 'deep\n' });
      const run = await project.deploy(['mine']);
      expect(run.summary.hosts.flatMap(({ error }) => error ?? [])).toEqual([]);
      const [host] = [fleet.hosts[1]!]; // the primary one
      const place = join(host.files, project.application, "shared/it's here");
      const read = (name: string) => readFile(join(place, name), 'utf8');
      expect(await read('file')).toBe('a "b" $c\n');
      expect((await stat(join(place, 'file'))).mode & 0o777).toBe(0o640);
      expect((await stat(join(place, 'sub'))).mode & 0o777).toBe(0o750);
      expect(await read('folder/a/b.txt')).toBe('deep\n');
      expect(await read('config')).toBe(await readFile(join(project.dir, 'deploy.config.ts'), 'utf8'));
      expect(await readFile(join(project.dir, '.git/came'), 'utf8')).toBe('bytes');
      expect(said(run)).toEqual([`${host.address} <x y>`]);
      const details = run.events.flatMap((event) => (event.type === 'task-end' ? (event.detail ?? []) : []));
      expect(details).toEqual([`true false ${host.deployTo(project.application)}/shared/it's here`]);
      expect(run.summary.hosts.map(({ status }) => status)).toEqual(['unchanged', 'unchanged', 'unchanged']);
    });
  });

  test('a command that is silent or slow for too long is ended with all that it started, and named', async () => {
    const recipes = recipeOf(`await t.on(t.hosts, (host) => host.host.primary
      ? host.execute(sh\`while :; do echo on; sleep 0.1; done\`, { timeout: 0.5, label: 'busy' })
      : host.execute(sh\`echo here; sleep 600 & sleep 601\`, { idleTimeout: 0.5 }));`);
    await withProject({ recipes }, async (project) => {
      const run = await project.deploy(['mine']);
      expect(run.exitCode).toBe(1);
      expect(run.summary.hosts.map(({ error }) => [error?.code, error?.message])).toEqual([
        ['timeout', 'no output for 0.5 s (idleTimeout): it was ended'],
        ['timeout', 'still running after 0.5 s (timeout): it was ended'],
        ['timeout', 'no output for 0.5 s (idleTimeout): it was ended'],
      ]);
    });
  });

  test('groups go one after the other, and a failure keeps the others from beginning', async () => {
    const recipes = recipeOf(
      `await t.on(t.hosts, { in: 'sequence' }, (host) => host.execute(sh\`echo \${host.name}; test \${host.name} != ${fleet.hosts[1]!.address}\`));`,
    );
    await withProject({ recipes }, async (project) => {
      const stopped = await project.deploy(['mine']);
      expect(said(stopped)).toEqual(fleet.hosts.slice(0, 2).map(({ address }) => `${address} ${address}`));
      expect(stopped.exitCode).toBe(1);
      const tolerant = await project.deploy(['mine', '--on-failure', 'continue']);
      expect(said(tolerant)).toEqual(fleet.hosts.map(({ address }) => `${address} ${address}`));
      expect(tolerant.summary.hosts.map(({ status }) => status)).toEqual(['unchanged', 'failed', 'unchanged']);
    });
  });

  test('a run goes on without as many failed hosts as it may lose; on them what was begun is undone', async () => {
    const failing = (word: string, host: string) =>
      `[defineRecipe({ name: 'mine', tasks: [task('mine', 'Mine', (t) => t.on(t.hosts, (host) => host.execute(sh\`echo \${host.name} >> \${host.deployTo}/shared/restarts; [ ! -f \${host.deployTo}/current/slow ] || test \${host.name} != ${host}\`)))], after: { '${word}': 'mine' } })]`;
    const [one, two, three] = fleet.hosts as never as [Host, Host, Host];
    await withProject({}, async (project) => {
      const first = (await project.deploy()).summary.release;
      await project.commit({ slow: '' });
      await project.configure({
        config: { strategy: 'sftp', maxFailures: '34%' },
        recipes: failing('deploy:restart', two.address),
      });
      const run = await project.deploy();
      const second = run.summary.release!;
      expect(run.exitCode).toBe(3);
      expect([one, two, three].map((host) => run.of(host).status)).toEqual(['published', 'failed', 'published']);
      expect(await lookAt(two, project.application)).toMatchObject({ current: first, releases: [first], strays: [] });
      for (const host of [one, three])
        expect(await lookAt(host, project.application)).toMatchObject({ current: second, releases: [first, second] });
      const restarts = await readFile(join(two.files, project.application, 'shared/restarts'), 'utf8');
      expect(restarts.trim().split('\n')).toHaveLength(2); // with the new release, and after it went back

      const stop = await project.deploy(['--max-failures', '0']);
      expect(stop.exitCode).toBe(1);
      expect([one, two, three].map((host) => stop.of(host).status)).toEqual(['reverted', 'failed', 'reverted']);
      for (const host of [one, three]) expect((await lookAt(host, project.application)).current).toBe(second);
    });
  });

  type Host = SshdFleet['hosts'][number];

  test.each(['sftp', 'torrent'])(
    'a dry run (%s) changes nothing and tells the very commands of the run that follows',
    async (strategy) => {
      const recipes = `[defineRecipe({ name: 'mine', tasks: [task('mine', 'Mine', (t) => t.on(t.hosts, async (host) => {
      if (await host.test(cmd\`test -d \${host.deployTo}/shared/log\`)) await host.within(host.deployTo).execute(cmd\`touch shared/log/\${host.name}\`);
      await host.upload(new Uint8Array(3), host.deployTo + '/shared/three');
    }))], before: { 'deploy:publishing': 'mine' } })]`;
      await withProject({ recipes, config: { strategy, keepReleases: 1, linkedDirs: ['log'] } }, async (project) => {
        const before = await Promise.all(fleet.hosts.map((host) => treeOf(host, project.application)));
        const first = await project.deploy(['--dry-run']);
        expect(first.exitCode).toBe(0);
        expect(await Promise.all(fleet.hosts.map((host) => treeOf(host, project.application)))).toEqual(before);
        expect((await project.deploy()).exitCode).toBe(0);

        const between = await Promise.all(fleet.hosts.map((host) => treeOf(host, project.application)));
        const dry = await project.deploy(['-n']);
        expect(dry.summary.hosts.map(({ status }) => status)).toEqual(['unchanged', 'unchanged', 'unchanged']);
        expect(await Promise.all(fleet.hosts.map((host) => treeOf(host, project.application)))).toEqual(between);
        const real = await project.deploy();
        expect(real.exitCode).toBe(0);
        for (const host of fleet.hosts) expect(commandsOn(host, dry)).toEqual(commandsOn(host, real));
      });
    },
  );

  test('what nobody can be asked is an error with words; a secret shows nowhere, its command’s own output included', async () => {
    const recipes = recipeOf(
      `const token = await t.fetch(key); t.secret(token);
       await t.on(t.hosts, (host) => host.with({ TOKEN: token }).execute(sh\`printf 'a %s' "$TOKEN" | cut -c1-8; sleep 0.1; echo "$TOKEN"; false\`));`,
      'settings: [key],',
    )
      .replace('[defineRecipe', '[key => key, defineRecipe')
      .replace('key => key, ', '');
    const withKey = `((key) => ${recipes})(setting('mine.token', ({ ask }) => ask('Token', { hidden: true })))`;
    await withProject({ recipes: withKey }, async (project) => {
      const unanswered = await project.deploy(['mine']);
      expect(unanswered).toMatchObject({
        exitCode: 1,
        summary: { error: { message: expect.stringContaining("'Token' cannot be asked") } },
      });
      const run = await project.deploy(['mine', '--set', 'mine.token=hunter2-secret']);
      expect(run.exitCode).toBe(1);
      expect(`${run.stdout}${run.stderr}`).not.toContain('hunter2-secret');
      expect(run.stdout).toContain('[secret]');
      const misspelt = await project.run(['production', 'mine', '--set', 'mine.tokn=x']);
      expect(misspelt).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("did you mean 'mine.token'?") });
    });
  });
});

/** What a run did on a host, or would have: the release's name, and what else is another second's, left out. */
const commandsOn = (host: { address: string }, { events, summary }: Deployed): string[] =>
  events
    .flatMap((event) =>
      (event.type === 'command-start' || event.type === 'command-planned') && event.host === host.address
        ? `${event.task}: ${event.text}`
        : [],
    )
    .map((text) => text.replaceAll(summary.release!, 'RELEASE'));
