/** What Capistrano and SSHKit do wrong in running commands and tasks. */
import { lookAt } from '../support/host-files.ts';
import { files, makeDirectories, publish, releaseNames, stillBusy, succeed } from './look.ts';
import { defect, showDefects } from './show-defects.ts';

showDefects([
  ...['execute', 'capture', 'test'].map((word) =>
    defect({
      name: `a command that is killed by a signal counts as success: ${word}`,
      observe: async (rival) => {
        await makeDirectories(rival);
        return { failed: (await rival.run([`signal:${word}`])).exitCode !== 0, wentOn: await files(rival, 'went-on') };
      },
      right: { failed: true, wentOn: [undefined, undefined, undefined] },
      capistrano: { failed: false, wentOn: ['', '', ''] },
    }),
  ),

  defect({
    name: 'commands outlive a run in which another host failed',
    observe: async (rival) => {
      await makeDirectories(rival);
      const { exitCode } = await rival.run(['slow']);
      return { exitCode, busy: await stillBusy(rival, 0) };
    },
    right: { exitCode: 1, busy: 0 },
    capistrano: { exitCode: 1, busy: 2 },
  }),

  defect({
    name: 'commands outlive a run that was interrupted',
    observe: async (rival) => {
      const run = rival.start(['endless']);
      await run.seen(/sleep 300/);
      while (rival.hosts.some((host) => host.processes().every(({ name }) => name !== 'sleep')))
        await new Promise((resolve) => setTimeout(resolve, 10));
      run.interrupt();
      const { exitCode } = await run.result;
      return { failed: exitCode !== 0, busy: await stillBusy(rival, 500) };
    },
    right: { failed: true, busy: 0 },
    capistrano: { failed: true, busy: 3 },
  }),

  defect({
    name: 'all but the first failing host are lost',
    observe: async (rival) => {
      const { output } = await rival.run(['fail:differently']);
      const verdict = output.slice(Math.max(output.indexOf('cap aborted!'), output.lastIndexOf('"type":"summary"')));
      return rival.hosts.map(({ address }) => verdict.includes(`${address} has burnt down`));
    },
    right: [false, true, true],
    capistrano: [false, true, false],
  }),

  defect({
    name: 'the output of a command tells a secret',
    observe: async (rival) => succeed(await rival.run(['tell:secrets'])).output.includes('hunter2'),
    right: false,
    capistrano: true,
  }),

  defect({
    name: 'a task is invoked once only',
    observe: async (rival) => {
      await makeDirectories(rival);
      succeed(await rival.run(['invoke:twice']));
      return files(rival, 'count');
    },
    right: Array(3).fill('once more\nonce more\n'),
    capistrano: Array(3).fill('once more\n'),
  }),

  defect({
    name: 'a command that reads stdin hangs',
    observe: async (rival) => (await rival.run(['read:stdin'], { timeout: 20 })).exitCode,
    right: 0,
    capistrano: null,
  }),

  defect({
    name: 'within, with and umask are forgotten where a program has a space',
    observe: async (rival) => {
      await makeDirectories(rival);
      succeed(await rival.run(['surround']));
      const lines = (await files(rival, 'surrounded')).map((text) => (text ?? '').replaceAll(rival.application, 'app'));
      return [...new Set(lines)];
    },
    right: ['/var/www/app a "b" $c 0027 two  words\n/var/www/app a "b" $c 0027 shell\n'],
    capistrano: [''], // in the home directory
  }),

  defect({
    name: 'a filter that matches no host does nothing, and is content',
    observe: async (rival) => {
      const options = [
        ['-z', 'nowhere'],
        ['-r', 'nobody'],
      ];
      return Promise.all(options.map(async (words) => (await rival.run(['count', ...words])).exitCode === 0));
    },
    right: [false, false],
    capistrano: [true, true],
  }),

  defect({
    name: 'a branch that does not exist leaves an empty release that counts',
    observe: async (rival) => {
      const { exitCode } = await rival.run(['deploy'], { branch: 'nowhere' });
      const releases = await Promise.all(rival.hosts.map((host) => releaseNames(rival, host)));
      return { failed: exitCode !== 0, releases: releases.map(({ length }) => length) };
    },
    right: { failed: true, releases: [0, 0, 0] },
    capistrano: { failed: true, releases: [1, 1, 1] },
  }),

  defect({
    name: 'revisions.log is written by a shell',
    observe: async (rival) => {
      await publish(rival, 'one', { user: 'al"ice" $(echo id)' });
      const logs = await Promise.all(rival.hosts.map(async (host) => (await lookAt(host, rival.application)).log));
      return [...new Set(logs.flat().map((line) => / by (.*)/.exec(line)?.[1]))];
    },
    right: ['al"ice" $(echo id)'],
    capistrano: ['alice id'],
  }),
]);
