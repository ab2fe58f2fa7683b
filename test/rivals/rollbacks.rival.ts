/** What Capistrano does wrong in going back, and when something fails. */
import { readFile, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { failToPublish, kept, publish, releaseNames, served, succeed } from './look.ts';
import type { Rival } from './rival.ts';
import { defect, showDefects } from './show-defects.ts';

const failedRuns = async ({ dir }: Rival): Promise<number> =>
  ((await readFile(join(dir, 'failed.txt'), 'utf8').catch(() => '')).match(/ran/g) ?? []).length;

showDefects([
  defect({
    name: 'a rollback after a deploy that failed rolls back nothing, and is content',
    observe: async (rival) => {
      await publish(rival, 'one');
      await publish(rival, 'two');
      await failToPublish(rival, 'broken');
      succeed(await rival.run(['deploy:rollback']));
      return served(rival);
    },
    right: ['one', 'one', 'one'],
    capistrano: ['two', 'two', 'two'],
  }),

  defect({
    name: 'a rollback goes by the times of directories, and deletes the wrong release',
    observe: async (rival) => {
      await publish(rival, 'one');
      await publish(rival, 'two');
      await publish(rival, 'three');
      const [first] = await releaseNames(rival, rival.hosts[0]!);
      const later = new Date(Date.now() + 60_000);
      await utimes(join(rival.hosts[0]!.files, rival.application, 'releases', first!), later, later);
      succeed(await rival.run(['deploy:rollback']));
      return { pages: await served(rival), first: (await kept(rival))[0] };
    },
    right: { pages: ['two', 'two', 'two'], first: ['one', 'two', 'three'] },
    capistrano: { pages: expect.anything(), first: ['two', 'three'] }, // all hosts get what one of them has chosen last
  }),

  defect({
    name: 'the failed hook does not run for a linked file that is missing, nor in a rollback',
    observe: async (rival) => {
      await rival.run(['deploy'], { linkedFile: 'env' });
      const missing = await failedRuns(rival);
      await publish(rival, 'one');
      await publish(rival, 'two');
      const { exitCode } = await rival.run(['deploy:rollback'], { failAt: 'restart' });
      return { missing, exitCode, rollback: (await failedRuns(rival)) - missing };
    },
    right: { missing: 1, exitCode: 1, rollback: 1 },
    capistrano: { missing: 0, exitCode: 1, rollback: 0 },
  }),

  defect({
    name: 'a dry run of a rollback fails',
    observe: async (rival) => {
      await publish(rival, 'one');
      await publish(rival, 'two');
      return (await rival.run(['deploy:rollback', '-n'])).exitCode;
    },
    right: 0,
    capistrano: 1,
  }),
]);
