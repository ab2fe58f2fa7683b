import { readFile } from 'node:fs/promises';
import { defineRecipe, sh, type TaskContext, type TaskHost, task } from 'rookery';

/** Says what a task found on a host. */
const tell = (t: TaskContext, host: TaskHost, value: unknown) =>
  t.answer(host, { stream: 'stdout', text: JSON.stringify(value) });
const onEach = (body: (t: TaskContext, host: TaskHost) => Promise<unknown>) => (t: TaskContext) =>
  t.on(t.hosts, async (host) => tell(t, host, await body(t, host)));

/** What SSHKit's own tests try, to be run by Rookery. */
export default defineRecipe({
  name: 'words',
  tasks: [
    task('another', 'Commands as another user, and then not', async (t) => {
      const whoami = (host: TaskHost) => host.capture(['whoami']);
      await t.on(t.hosts, async (host) => {
        await host.execute(
          sh`mkdir -p "$HOME/my dir" ${`${host.deployTo}/my dir`}; chmod 777 ${`${host.deployTo}/my dir`}`,
        );
        const home = await host.within('~/my dir').capture(sh`[ "$(pwd)" = "$HOME/my dir" ] && echo home`);
        const inside = host
          .within(`${host.deployTo}/my dir`)
          .with({ VALUE: `"a" 100% $HOME 'b'` })
          .umask('027')
          .as({ user: 'nobody', group: 'daemon' });
        const all = await inside.capture(sh`pwd; echo "$VALUE"; umask; whoami; id -gn; touch made`);
        await host.execute(sh`rmdir "$HOME/my dir"`);
        tell(t, host, [home, all, await inside.capture(['stat', '-c', '%U %G %a', 'made'])]);
      });
      await t.on(t.hosts, async (host) => tell(t, host, await whoami(host)));
    }),

    task(
      'results',
      'What commands come to',
      onEach(async (_t, host) => [
        await host.test(['true']),
        await host.test(['false']),
        await host.capture(['printf', ' a \n']),
        await host.capture(['printf', ' a \n'], { strip: false }),
        await host.with({ SOME: 'value' }).capture(sh`(echo "$SOME")`),
        (await host.execute(sh`echo out; echo err >&2`)).stderr,
      ]),
    ),
    task('fails', 'A command that fails', (t) =>
      t.on(t.hosts, (host) => host.execute(sh`echo said; echo complained >&2; exit 3`)),
    ),
    task('fails:silently', 'One that says why on stdout', (t) =>
      t.on(t.hosts, (host) => host.execute(sh`echo said; exit 3`)),
    ),

    task(
      'transfers',
      'Files up and down',
      onEach(async (t, host) => {
        const inside = host.within(host.deployTo);
        await inside.upload('.git/big', 'big');
        const big = await inside.download('big');
        await inside.download('big', `.git/back-${host.name}`);
        await inside.upload('folder', 'folder');
        await inside.upload('folder', 'folder');
        await inside.upload(new TextEncoder().encode('bytes'), 'bytes', { mode: 0o600 });
        await host.upload(new TextEncoder().encode('at home'), '~/at-home');
        const home = await host.capture(sh`cat ~/at-home && rm ~/at-home`);
        const same = Buffer.from(big).equals(
          await readFile(await t.runLocally(['realpath', '.git/big']).then((path) => path.trim())),
        );
        const there = await inside.capture(sh`find folder bytes big -type f -exec stat -c '%n %a %s' {} + | sort`);
        return [same, there, new TextDecoder().decode(await inside.download('bytes')), home];
      }),
    ),

    task('secrets', 'Secrets of every kind, which commands get as they are', (t) => {
      const secrets = ['hunter2', "it's $ecret", String(123_456)].map(t.secret);
      return t.on(t.hosts, async (host) => {
        const length = await host
          .with({ SECRET: secrets[1] as string })
          .execute(sh`echo "$SECRET"; printf %s "$SECRET" | wc -c`);
        await host.execute(['echo', ...secrets]);
        tell(t, host, `${length.stdout.trim().split('\n').pop()?.trim()} bytes`);
      });
    }),
    task(
      'answers',
      'Replies to prompts',
      onEach(async (_t, host) => {
        const question = sh`printf 'Name? '; read -r name; printf 'Sure (y/n)? ' >&2; read -r sure; printf 'Name? '; read -r again; echo "$name $sure $again"`;
        const { stdout } = await host.execute(question, {
          answers: [
            { when: 'Name?', reply: 'alice' },
            { when: /Sure \(.*\)\?/, reply: async () => 'y' },
            { when: /./, reply: 'never: the first match wins' },
          ],
        });
        return stdout;
      }),
    ),
    task(
      'waits',
      'A command that is silent for longer than the server waits',
      onEach((_t, host) => host.capture(sh`sleep 2.2; echo alive`)),
    ),

    task('runners', 'How hosts are gone through', async (t) => {
      const gone = async (options: Parameters<TaskContext['on']>[1] & object) => {
        const steps: [number, number][] = [];
        const begun = performance.now();
        await t.on(t.hosts, options as { in: 'groups' }, async (host) => {
          const from = performance.now() - begun;
          await host.execute(['true']);
          steps.push([from, performance.now() - begun]);
        });
        return { steps, whole: performance.now() - begun };
      };
      const all = {
        parallel: await gone({}),
        sequence: await gone({ in: 'sequence', wait: 0.3 }),
        groups: await gone({ in: 'groups', limit: 2, wait: 0.3 }),
        once: await gone({ once: true }),
      };
      tell(t, t.hosts[0] as TaskHost, all);
    }),
    task('inventory', 'Who is who', async (t) => {
      const names = (hosts: readonly TaskHost[]) => hosts.map(({ name }) => name);
      tell(t, t.hosts[0] as TaskHost, {
        all: names(t.roles('all')),
        app: names(t.roles('app')),
        either: names(t.roles('db', 'web')),
        primary: [t.primary()?.name, t.primary('app')?.name, t.primary('db')?.name],
        releases: names(t.hosts.filter(({ noRelease }) => !noRelease)),
        heavy: names(t.roles('all').filter(({ properties }) => (properties as { weight?: number })?.weight === 2)),
        properties: t.hosts.map(({ properties }) => properties),
      });
    }),
    task('noRole', 'A role that nobody has', (t) => void t.roles('databse' as 'db')),
    task('onRelease', 'Only where releases go', {
      release: true,
      run: (t) => t.on(t.hosts, async (host) => tell(t, host, host.name)),
    }),
  ],
});
