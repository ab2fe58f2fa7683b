import { expect, test } from 'vitest';
import { parseArguments } from '#command/arguments.ts';

const parse = (line: string) => parseArguments(line.split(' '));

test.each([
  ['production', undefined, ['deploy']],
  ['production --wait-lock', 900, ['deploy']],
  ['production --wait-lock 60', 60, ['deploy']],
  ['production --wait-lock=0 deploy:rollback', 0, ['deploy:rollback']],
  ['production --wait-lock deploy:rollback', 900, ['deploy:rollback']],
  ['--wait-lock production -v', 900, ['deploy']],
  ['production run -- sleep --wait-lock', undefined, ['run']],
])('%s waits %s seconds for the lock', async (line, waitLock, tasks) => {
  const args = await parse(line);
  expect(args).toMatchObject({ stage: 'production', tasks });
  expect((args as { waitLock?: number }).waitLock).toBe(waitLock);
});

test.each([
  ['production --wait-lock=soon', /--wait-lock takes seconds, not 'soon'/],
  ['production --wait-lock=', /--wait-lock needs a value/],
  ['production --wait-lock 1 --wait-lock 2', /more than once/],
  ['production -m why', /-m says why the hosts are locked: write `deploy <stage> deploy:lock -m "why"`/],
  ['production deploy:unlock --message why', /-m says why/],
  ['tasks -m why', /-m says why/],
])('%s is refused', async (line, message) => {
  await expect(parse(line)).rejects.toMatchObject({
    name: 'UserError',
    exitCode: 2,
    message: expect.stringMatching(message),
  });
});

test('deploy:lock takes a message', async () => {
  for (const option of ['-m', '--message'])
    expect(await parseArguments(['production', 'deploy:lock', option, 'a fair'])).toMatchObject({ message: 'a fair' });
});
