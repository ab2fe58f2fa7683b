import { defineRecipe, setting, sh, task } from 'rookery';

/** Name of a host's failure: where the deploy shall fail, if anywhere. */
const failAt = setting('defects.failAt', '', { description: 'updated or restart' });
const failing = (at: string) =>
  task(`fail:${at}`, `Fail on the last host, if asked to fail at ${at}`, async ({ on, hosts, fetch }) => {
    if ((await fetch(failAt)) === at) await on(hosts.slice(-1), (host) => host.execute(['false']));
  });

/** What made Capistrano misbehave, to be run by Rookery. */
export default defineRecipe({
  name: 'defects',
  settings: [failAt],
  tasks: [
    failing('updated'),
    failing('restart'),
    task('note:failed', 'Write down that deploy:failed ran', ({ runLocally }) =>
      runLocally(sh`echo ran >> failed.txt`),
    ),
    task('push', 'Push a commit while hosts are updated', async ({ runLocally, fetch }) => {
      if ((await fetch(failAt)) !== 'push') return;
      await runLocally(sh`echo new > index.html && git add index.html`);
      await runLocally(sh`git -c user.name=x -c user.email=x@localhost commit --quiet -m push`);
    }),

    task('signal:execute', 'A command that is killed', ({ on, hosts }) =>
      on(hosts, async (host) => {
        await host.execute(sh`kill -9 $$`);
        await host.execute(sh`touch ${host.deployTo}/went-on`);
      }),
    ),
    task('signal:capture', 'A question whose command is killed', ({ on, hosts }) =>
      on(hosts, (host) => host.capture(sh`echo partial; kill -9 $$`)),
    ),
    task('signal:test', 'A check whose command is killed', ({ on, hosts }) =>
      on(hosts, (host) => host.test(sh`kill -9 $$`)),
    ),

    task('slow', 'The first host fails at once, the others work on', ({ on, hosts }) =>
      on(hosts, (host) =>
        host === hosts[0] ? host.execute(['false']) : host.execute(sh`sleep 0.7; touch ${host.deployTo}/finished`),
      ),
    ),
    task('endless', 'Commands that do not end', ({ on, hosts }) =>
      on(hosts, (host) => host.execute(sh`(sleep 300; touch ${host.deployTo}/outlived) & sleep 300`)),
    ),
    task('fail:differently', 'Every host but the first fails, each for its own reason', ({ on, hosts }) =>
      on(hosts.slice(1), (host) =>
        host.execute(sh`echo ${host.name} has burnt down >&2; exit ${host === hosts[1] ? 4 : 5}`),
      ),
    ),

    task('tell:secrets', 'Commands that print a secret', ({ on, hosts, secret }) =>
      on(hosts, (host) => host.execute(['echo', secret('hunter2-hunter2')])),
    ),
    task('read:stdin', 'A command that reads what nobody writes', ({ on, hosts }) =>
      on(hosts, (host) => host.execute(['cat'])),
    ),
    task('count', 'Count how often it runs', ({ on, hosts }) =>
      on(hosts, (host) => host.execute(sh`echo once more >> ${host.deployTo}/count`)),
    ),
    task('invoke:twice', 'Invoke a task twice', async ({ invoke }) => {
      await invoke('count');
      await invoke('count');
    }),
    task('surround', 'Surroundings of a command whose program has a space, and of shell text', ({ on, hosts }) =>
      on(hosts, async (host) => {
        const program = `${host.deployTo}/my program`;
        await host.upload(Buffer.from('#!/bin/sh\necho "$(pwd) $SURROUNDED $(umask) $1" >> surrounded\n'), program, {
          mode: 0o755,
        });
        const inside = host.within(host.deployTo).with({ SURROUNDED: 'a "b" $c' }).umask('027');
        await inside.execute([program, 'two  words']);
        await inside.execute(sh`echo "$(pwd) $SURROUNDED $(umask) shell" >> surrounded`);
      }),
    ),
  ],
  before: { 'deploy:updated': 'fail:updated', 'deploy:distribute': 'push' },
  after: { 'deploy:restart': 'fail:restart', 'deploy:failed': 'note:failed' },
});
