/** What Capistrano does wrong with releases: in deploys, cleanup, and in telling what it would do. */
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { lookAt } from '../support/host-files.ts';
import { besides, failToPublish, kept, publish, releaseNames, served, succeed } from './look.ts';
import type { Rival } from './rival.ts';
import { defect, showDefects } from './show-defects.ts';

const app = (rival: Rival, index: number): string => join(rival.hosts[index]!.files, rival.application);
showDefects([
  defect({
    name: 'mixed code under one revision, where somebody pushes meanwhile',
    observe: async (rival) => {
      await publish(rival, 'old\n', { failAt: 'push' });
      const revisions = await Promise.all(rival.hosts.map(async (host) => (await lookAt(host, rival.application)).log));
      return { pages: await served(rival), revisions: new Set(revisions.flat()).size };
    },
    right: { pages: ['old\n', 'old\n', 'old\n'], revisions: 1 },
    capistrano: { pages: ['old\n', 'old\n', 'new\n'], revisions: 1 },
  }),

  defect({
    name: 'a stale releases/current publishes the old release',
    observe: async (rival) => {
      await publish(rival, 'one');
      const [first] = await releaseNames(rival, rival.hosts[0]!);
      const release = `${rival.hosts[0]!.deployTo(rival.application)}/releases/${first}`;
      await symlink(release, join(app(rival, 0), 'releases/current'));
      await publish(rival, 'two');
      return served(rival);
    },
    right: ['two', 'two', 'two'],
    capistrano: ['one', 'two', 'two'],
  }),

  defect({
    name: 'a releases/current that points to nothing leaves the fleet half switched',
    observe: async (rival) => {
      await publish(rival, 'one');
      await symlink('/var/www/nowhere', join(app(rival, 2), 'releases/current'));
      await rival.commit({ 'index.html': 'two' });
      const { exitCode } = await rival.run();
      return { exitCode, pages: await served(rival) };
    },
    right: { exitCode: 0, pages: ['two', 'two', 'two'] },
    capistrano: { exitCode: 1, pages: ['two', 'two', 'one'] },
  }),

  defect({
    name: 'a current that is a directory leaves the fleet half switched',
    observe: async (rival) => {
      await publish(rival, 'one');
      await rm(join(app(rival, 2), 'current'));
      await mkdir(join(app(rival, 2), 'current'));
      await rival.commit({ 'index.html': 'two' });
      const { exitCode } = await rival.run();
      return { exitCode, pages: (await served(rival)).slice(0, 2) };
    },
    right: { exitCode: 1, pages: ['one', 'one'] },
    capistrano: { exitCode: 1, pages: ['two', 'two'] },
  }),

  defect({
    name: 'two deploys in one second share a release',
    observe: async (rival) => {
      await publish(rival, 'one');
      const env = { TOGETHER: await mkdtemp(join(rival.dir, '.git/together-')) };
      const runs = await Promise.all([rival.run(['deploy'], { env }), rival.run(['deploy'], { env })]);
      const [one, two] = runs.map(({ output }) => NEW_RELEASE.exec(output)?.slice(1).join(''));
      return { share: one !== undefined && one === two };
    },
    right: { share: false },
    capistrano: { share: true },
  }),

  defect({
    name: 'failed releases push out good ones',
    project: { keepReleases: 3 },
    observe: async (rival) => {
      await publish(rival, 'one');
      await publish(rival, 'two');
      await failToPublish(rival, 'broken');
      await publish(rival, 'three');
      return kept(rival);
    },
    right: Array(3).fill(['one', 'two', 'three']),
    capistrano: Array(3).fill(['two', 'broken', 'three']),
  }),

  defect({
    name: 'a dry run tells other commands than those of the run that follows',
    project: { linkedDirs: ['log'] },
    observe: async (rival) => {
      const told = plain(await rival.commands(succeed(await rival.run(['deploy', '-n']))));
      const done = plain(await rival.commands(succeed(await rival.run())));
      const link = (commands: readonly string[]) => commands.some((text) => /ln -s\S* .*shared\/log/.test(text));
      return { links: [link(told), link(done)], same: told.join('\n') === done.join('\n') };
    },
    right: { links: [true, true], same: true },
    capistrano: { links: [false, true], same: false },
  }),

  defect({
    name: 'files of every run are left outside of the application',
    observe: async (rival) => {
      await publish(rival, 'one');
      return (await besides(rival)).map(({ length }) => length);
    },
    right: [0, 0, 0],
    capistrano: [1, 1, 1],
  }),

  defect({
    name: 'one host that is down stops the deploy of all others',
    observe: async (rival) => {
      const down = rival.hosts[2]!;
      await rival.fleet.stop(down);
      try {
        await rival.run(rival.tool === 'rookery' ? ['deploy', '--max-failures', '1'] : ['deploy']);
        return (await served(rival)).map((page) => page !== undefined);
      } finally {
        await rival.fleet.start(down);
      }
    },
    right: [true, true, false],
    capistrano: [false, false, false], // it has no word for it
  }),
]);

/** Without the names that differ from run to run, in an order that does not depend on which host was first. */
const plain = (commands: readonly string[]): string[] =>
  commands.map((text) => text.replace(/\d{14}/g, '<release>').replace(/git-ssh-\w+/g, '<wrapper>')).sort();

/** A directory that is made on hosts, or the name in the summary. */
const NEW_RELEASE = /mkdir -p \S*\/releases\/(\d{14})|"type":"summary".*"release":"(\d{14})"/;
