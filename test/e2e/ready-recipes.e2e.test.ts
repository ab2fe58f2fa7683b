import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectNothingLeft, lookAt } from '../support/host-files.ts';
import { type ConfigOptions, type DiskHost, makeProject, type Project } from '../support/project.ts';
import { SSHD_TOOLS, type SshdFleet, type SshdHost, startSshdFleet } from '../support/sshd-fleet.ts';
import { letFail, makeStandIns, takeCalls } from '../support/stand-ins.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';
import { needs } from '../support/tools.ts';

const PROGRAMS = [
  ...['ruby', 'bundle', 'rake', 'unicorn', 'whenever', 'passenger-config', 'systemctl', 'crontab', 'sudo'],
  ...['npm', 'pnpm', 'yarn', 'pm2', 'composer', 'php'],
  ...['rbenv/bin/rbenv', 'rvm/bin/rvm', 'nvm/nvm-exec'],
];

/** Names of the recipes and the files that they are in. */
const importsOf = (recipes: Readonly<Record<string, string>>): string =>
  Object.entries(recipes)
    .map(([names, file]) => `import { ${names} } from 'rookery/recipes/${file}';`)
    .join('\n');

interface Post {
  readonly path: string;
  readonly body: Record<string, unknown> & { readonly event?: string; readonly text?: string };
}

describe.skipIf(!needs('git', 'gzip', ...SSHD_TOOLS))('ready-made recipes', () => {
  let programs: string;
  let fleet: SshdFleet;
  let server: Server;
  let site: string;
  const posts: Post[] = [];
  const requests: string[] = [];
  /** Statuses of the next answers to /up; then 200. */
  const statuses: number[] = [];
  let hosts: [SshdHost, SshdHost, SshdHost];

  beforeAll(async () => {
    programs = await makeTempDir('programs');
    await makeStandIns(programs, PROGRAMS);
    const path = `${programs}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`;
    fleet = await startSshdFleet({ hosts: 3, path });
    hosts = fleet.hosts as unknown as typeof hosts;
    server = createServer(async (request, response) => {
      const path = request.url ?? '';
      if (request.method === 'POST') posts.push({ path, body: JSON.parse(await text(request)) });
      else requests.push(path);
      response
        .writeHead(path === '/up' ? (statuses.shift() ?? 200) : path === '/broken' ? 500 : 200)
        .end('all is well');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await fleet?.close();
    server?.closeAllConnections();
    server?.close();
    if (programs) await removeTempDir(programs);
  });

  const makeShop = (options: ConfigOptions & { files: Record<string, string>; hosts: readonly SshdHost[] }) => {
    const host = (index: number) => ({ roles: index === 0 ? ['app', 'web', 'db'] : ['app', 'web'] });
    return makeProject({ fleet, host, ...options, config: { strategy: 'sftp', ...options.config } });
  };
  const withProject = async (options: Parameters<typeof makeShop>[0], work: (project: Project) => Promise<void>) => {
    const project = await makeShop(options);
    try {
      await work(project);
      await expectNothingLeft(project);
    } finally {
      await project.remove();
    }
  };
  const wordsOf = async (host: DiskHost) => (await takeCalls(host)).map(({ words }) => words);
  const read = (host: DiskHost, project: Project, path: string) =>
    readFile(join(host.files, project.application, path), 'utf8');

  describe('Ruby', () => {
    let project: Project;
    let one: SshdHost;
    let two: SshdHost;
    let first: string;
    const env = { GIT_COMMITTER_NAME: 'ann', GIT_COMMITTER_EMAIL: 'ann@example.org' };
    const deploy = (words: readonly string[] = []) => project.deploy(words, { env });
    const remote = () => join(project.dir, '.git/remote');

    beforeAll(async () => {
      [one, two] = hosts;
      const recipes = `[
      shared({ files: { '.env': 'secrets.env' } }),
      rbenv({ ruby: '3.3.6', path: '${programs}/rbenv' }),
      rails({ keepAssets: 3 }),
      build({ run: ['mkdir -p dist && echo built > dist/app.js'], upload: { dist: 'public/built' } }),
      staticSite({ directory: 'public' }),
      puma(), sidekiq(), unicorn(), passenger({ wait: 0 }),
      systemd(['shop-web', 'shop-search'], { sudo: true, reload: true }),
      whenever(),
      cron({ jobs: { '0 3 * * *': 'bin/nightly --date $(date +%F)' } }),
      health({ url: '${site}/up', text: 'all is well', interval: 0.1 }),
      notify({ url: '${site}/hook?token=sesame' }),
      slack({ url: '${site}/slack?token=sesame', channel: '#deploys' }),
      maintenance(), logs(), ensurePushed(), deployTag(),
    ]`;
      const imports = importsOf({
        ...{
          shared: 'shared',
          rbenv: 'rbenv',
          rails: 'rails',
          build: 'build',
          staticSite: 'static-site',
          puma: 'puma',
        },
        ...{ sidekiq: 'sidekiq', unicorn: 'unicorn', passenger: 'passenger', systemd: 'systemd', whenever: 'whenever' },
        ...{
          cron: 'cron',
          health: 'health',
          notify: 'notify',
          slack: 'slack',
          maintenance: 'maintenance',
          logs: 'logs',
        },
        'ensurePushed, deployTag': 'git',
      });
      const files = {
        'public/index.html': '<p>hello\n',
        'secrets.env': 'KEY=1\n',
        'config/unicorn/production.rb': '\n',
      };
      const config = { linkedFiles: ['.env'], linkedDirs: ['public/assets', 'log', 'tmp'] };

      project = await makeShop({ application: 'shop', recipes, imports, files, config, hosts: [one, two] });
      await project.git('init', '--quiet', '--bare', remote());
      await project.git('remote', 'add', 'origin', remote());
    });
    afterAll(() => project?.remove());

    test('a commit that is not pushed is refused, and a dry run only looks', async () => {
      const unpushed = await deploy();
      expect(unpushed.summary).toMatchObject({
        exitCode: 1,
        error: { message: expect.stringContaining('push it first') },
      });
      expect((await lookAt(one, 'shop')).releases).toEqual([]);
      await project.git('push', '--quiet', 'origin', 'main');
      await Promise.all([one, two].map(takeCalls));
      posts.length = 0;
      expect((await deploy(['--dry-run'])).summary).toMatchObject({ exitCode: 0 });
      for (const host of [one, two]) expect(await wordsOf(host)).toEqual(['ruby --version']);
      expect({ posts, requests }).toEqual({ posts: [], requests: [] });
    });

    test('all that a Rails application asks for, in one deploy', async () => {
      const run = await deploy();
      expect(run.summary).toMatchObject({ exitCode: 0 });
      first = run.summary.release!;
      const calls = await takeCalls(one);
      const root = one.deployTo('shop');
      const unit = (name: string) => [`systemctl --user restart ${name}`, `systemctl --user is-active ${name}`];
      const asked = [
        'ruby --version',
        'bundle config --local deployment true',
        `bundle config --local path ${root}/shared/bundle`,
        'bundle config --local without development:test',
        'bundle check',
        'bundle install --jobs 4 --quiet',
        'rake assets:precompile',
        'rake assets:clean[3]',
        'rake db:migrate',
        'systemctl --user kill --signal=TSTP shop_sidekiq_production',
        ...unit('shop_puma_production'),
        ...unit('shop_sidekiq_production'),
        'unicorn -c config/unicorn/production.rb -E deployment -D',
        `passenger-config restart-app ${root} --ignore-app-not-running`,
        ...['shop-web', 'shop-search'].flatMap((name) => [
          `systemctl reload-or-restart ${name}`,
          `systemctl is-active ${name}`,
        ]),
        `whenever --update-crontab shop --set environment=production&path=${root}/current --load-file config/schedule.rb --roles=app,web,db`,
        'crontab -l',
        'crontab -',
      ];
      expect(calls.map(({ words }) => words)).toEqual(asked);
      const ofDb = /^(rake db:migrate|whenever)/;
      expect(await wordsOf(two)).toEqual(
        asked.filter((words) => !ofDb.test(words)).map((words) => words.replaceAll(root, two.deployTo('shop'))),
      );
      for (const { words, place, via, env } of calls) {
        if (/^(ruby|bundle|rake|unicorn|whenever)/.test(words))
          expect([words, env]).toEqual([words, expect.stringContaining('3.3.6')]);
        if (/^(bundle|rake|unicorn|whenever)/.test(words)) expect([words, place]).toEqual([words, first]);
        if (/^(rake|unicorn|whenever)/.test(words)) expect([words, via]).toEqual([words, 'rbenv bundle']);
        expect([words, via.includes('sudo')]).toEqual([words, words.includes('reload-or-restart')]);
        if (/^(rake|whenever)/.test(words)) expect([words, env]).toEqual([words, 'production 3.3.6']);
      }
      for (const host of [one, two]) {
        expect(await read(host, project, 'shared/.env')).toBe('KEY=1\n');
        expect(await read(host, project, `releases/${first}/public/built/app.js`)).toBe('built\n');
        expect(await read(host, project, `releases/${first}/public/index.html.gz`)).not.toBe('');
        expect(await readFile(join(host.files, 'crontab'), 'utf8')).toBe(
          `# BEGIN shop production (written by each deploy)\n0 3 * * * cd ${host.deployTo('shop')}/current && bin/nightly --date $(date +\\%F)\n# END shop production\n`,
        );
      }
      expect(requests).toEqual(['/up', '/up']);
      expect((await project.git('ls-remote', '--tags', remote())).includes(`refs/tags/production-${first}^{}`)).toBe(
        true,
      );
      expect(posts.map(({ path, body }) => [path.slice(0, 6), body.event])).toEqual([
        ['/hook?', 'started'],
        ['/slack', undefined],
        ['/hook?', 'finished'],
        ['/slack', undefined],
      ]);
      expect(posts[2]!.body).toMatchObject({
        ...{ application: 'shop', stage: 'production', release: first, revision: run.summary.revision },
        ...{
          hosts: [one.address, two.address],
          failures: [],
          text: expect.stringContaining(`deployed shop production ${first}`),
        },
      });
      expect(posts[3]!.body).toMatchObject({
        channel: '#deploys',
        attachments: [{ color: 'good', text: posts[2]!.body.text }],
      });
      expect(run.stdout + run.stderr).not.toContain('sesame');
    });

    test('a migration that fails: no host has switched, nothing was restarted, and it is told', async () => {
      posts.length = 0;
      await letFail(one, 'rake db:migrate');
      const failed = await deploy();
      expect(failed.summary).toMatchObject({ exitCode: 1 });
      expect(failed.of(one)).toMatchObject({
        error: { task: 'deploy:migrate', output: 'rake db:migrate does not work' },
      });
      await letFail(one);
      expect(await read(one, project, 'shared/public/assets/.sprockets-manifest-1.json')).toBe(`${first}\n`);
      for (const host of [one, two]) {
        expect(await lookAt(host, 'shop')).toMatchObject({ current: first, releases: [first] });
        expect((await wordsOf(host)).filter((words) => /systemctl|crontab/.test(words))).toEqual([]);
      }
      expect(posts.map(({ body }) => body.event ?? 'slack')).toEqual(['started', 'slack', 'failed', 'slack']);
      expect(posts[2]!.body).toMatchObject({ failures: [{ host: one.address, error: { task: 'deploy:migrate' } }] });
    });

    test('a rollback installs, restarts and tells, and does not migrate', async () => {
      posts.length = 0;
      const second = (await deploy()).summary.release!;
      expect(await read(two, project, 'shared/public/assets/.sprockets-manifest-1.json')).toBe(`${second}\n`);
      await Promise.all([one, two].map(takeCalls));
      expect((await deploy(['deploy:rollback'])).summary).toMatchObject({ exitCode: 0, release: first });
      expect(await read(two, project, 'shared/public/assets/.sprockets-manifest-1.json')).toBe(`${first}\n`);
      const back = await takeCalls(one);
      expect(
        back
          .filter(({ words }) => /^bundle install|^whenever|restart .*puma/.test(words))
          .map(({ words, place }) => [words.split(' ')[0], place === first]),
      ).toEqual([
        ['bundle', true],
        ['systemctl', false],
        ['whenever', true],
      ]);
      expect(back.map(({ words }) => words)).not.toContain('rake db:migrate');
      expect(back.map(({ words }) => words)).not.toContain('crontab -'); // it says already what it shall
      expect(posts.map(({ body }) => body.event ?? 'slack')).toEqual([
        'started',
        'slack',
        'finished',
        'slack',
        'reverted',
        'slack',
      ]);
    });

    test('tasks beside a deploy: the maintenance page, crontabs, linked files, logs', async () => {
      expect(
        (await deploy(['maintenance:enable', 'cron:remove', '--set', 'maintenance.reason=a <new> disk'])).exitCode,
      ).toBe(0);
      expect(await read(two, project, 'shared/public/system/maintenance.html')).toContain(
        'Down for a &lt;new&gt; disk',
      );
      expect(await readFile(join(two.files, 'crontab'), 'utf8')).toBe('');
      await writeFile(join(project.dir, 'secrets.env'), 'KEY=2\n');

      for (const host of [one, two])
        await writeFile(join(host.files, 'shop/shared/log/production.log'), `a line of ${host.name}\n`);
      const following = project.start(['shared:upload', 'maintenance:disable', 'logs']);
      await Promise.all([one, two].map((host) => following.seen(`a line of ${host.name}`)));
      following.signal('SIGINT');
      expect((await following.deployed).exitCode).toBe(130);
      await expect(read(two, project, 'shared/public/system/maintenance.html')).rejects.toThrow();
      expect(await read(two, project, 'shared/.env')).toBe('KEY=2\n');
      await expectNothingLeft(project);
    });
  });

  test('Node and PHP: packages, builds of frameworks, processes, in one deploy', async () => {
    const recipes = `[
      nvm({ node: '22', path: '${programs}/nvm', programs: ['npm', 'pnpm', 'yarn', 'pm2'] }),
      rvm({ ruby: '3.3.6@shop', path: '${programs}/rvm', programs: ['ruby'] }),
      npm(), pnpm({ directory: 'client', roles: ['db'] }), yarn({ flags: ['--immutable'], env: { APP_ENV: 'dist' } }),
      laravel({ migrate: 'db', queue: true }), symfony({ migrate: 'db' }), pm2({ save: true }),
    ]`;
    const imports = importsOf(
      Object.fromEntries(
        ['nvm', 'rvm', 'npm', 'pnpm', 'yarn', 'laravel', 'symfony', 'pm2'].map((name) => [name, name]),
      ),
    );
    const [one, two] = hosts;
    const files = { 'client/package.json': '{}\n' };
    await withProject({ application: 'mixed', recipes, imports, files, hosts: [one, two] }, async (project) => {
      await Promise.all(hosts.map(takeCalls));
      const run = await project.deploy();
      expect(run.summary).toMatchObject({ exitCode: 0 });
      const release = run.summary.release!;
      const console = '--no-debug --no-interaction';
      expect(
        (await takeCalls(one)).map(({ words, place, via, env }) => [words, place === release ? '' : place, via, env]),
      ).toEqual([
        ['npm --version', expect.anything(), 'nvm', '22'],
        ['ruby --version', expect.anything(), 'rvm', ''],
        ['npm ci --omit=dev --no-audit --no-fund', '', 'nvm', '22'],
        ['pnpm install --prod --frozen-lockfile', 'client', 'nvm', '22'],
        ['yarn install --immutable', '', 'nvm', 'dist 22'],
        ['composer install --no-dev --prefer-dist --no-interaction --quiet --optimize-autoloader', '', '', ''],
        ...['storage:link', 'config:cache', 'route:cache', 'view:cache'].map((words) => [
          `php artisan ${words}`,
          '',
          '',
          '',
        ]),
        ...['cache:clear', 'cache:warmup'].map((words) => [`php bin/console ${words} ${console}`, '', '', 'prod']),
        ['php artisan migrate --force', '', '', ''],
        [`php bin/console doctrine:migrations:migrate --allow-no-migration ${console}`, '', '', 'prod'],
        ['php artisan queue:restart', '', '', ''],
        ['pm2 startOrReload ecosystem.config.js --update-env --env production', '', 'nvm', '22'],
        ['pm2 save', '', 'nvm', '22'],
      ]);
      const others = await wordsOf(two);
      expect(others.filter((words) => /migrat|pnpm/.test(words))).toEqual([]);
      expect(others).toContain('pm2 save');
    });
  });

  test('a rolling restart: the second group is not well, the third never begins, and all go back', async () => {
    const noted = (word: string) => `(host) => host.within(host.deployTo).execute(sh\`echo ${word} >> shared/notes\`)`;
    const recipes = `[restart('echo "restart $(basename "$(pwd -P)")" >> ../../shared/notes', {
      limit: '30%', drain: ${noted('drain')}, undrain: ${noted('undrain')},
      check: responds({ url: '${site}/up', attempts: 2, interval: 0.05 }),
    }), sidekiq(), notify({ url: '${site}/broken' })]`;
    const imports = importsOf({ responds: 'health', sidekiq: 'sidekiq', notify: 'notify' });
    await withProject({ application: 'rolling', recipes, imports, files: { page: '1\n' }, hosts }, async (project) => {
      requests.length = 0;
      const done = await project.deploy();
      expect(done.summary).toMatchObject({ exitCode: 0 });
      const first = done.summary.release!;
      const told = done.events.flatMap((event) => (event.type === 'notice' ? [event.message] : []));
      expect(told).toContain("notify: 'finished' was not told: the answer was 500 all is well");
      expect(requests).toHaveLength(3);
      await Promise.all(hosts.map(takeCalls));
      statuses.push(200, 500, 503);
      const failed = await project.deploy();
      const second = failed.summary.release!;
      expect(failed.exitCode).toBe(1);
      expect(failed.summary.hosts.map(({ status }) => status)).toEqual(['reverted', 'failed', 'reverted']);
      expect(failed.of(hosts[1]).error).toMatchObject({
        code: 'check',
        message: `${site}/up: status 503, not 200 (asked 2 times)`,
      });
      for (const host of hosts)
        expect(await lookAt(host, 'rolling')).toMatchObject({ current: first, releases: [first] });
      const round = (release: string) => ['drain', `restart ${release}`, 'undrain'];
      const notes = async (host: DiskHost) => (await read(host, project, 'shared/notes')).trim().split('\n');
      expect(await notes(hosts[0])).toEqual([...round(first), ...round(second), ...round(first)]);
      expect(await notes(hosts[1])).toEqual([...round(first), 'drain', `restart ${second}`, ...round(first)]);
      expect(await notes(hosts[2])).toEqual([...round(first), ...round(first)]);
      // the workers were quiet already: they are woken, and restarted on the old release
      const unit = 'rolling_sidekiq_production';
      const restarted = [`systemctl --user restart ${unit}`, `systemctl --user is-active ${unit}`];
      for (const host of hosts)
        expect(await wordsOf(host)).toEqual([
          `systemctl --user kill --signal=TSTP ${unit}`,
          ...restarted,
          ...restarted,
        ]);
    });
  });
});
