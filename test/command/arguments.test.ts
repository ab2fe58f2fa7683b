import { expect, test } from 'vitest';
import { parseArguments } from '../../src/command/arguments.ts';

const parse = (line: string) => parseArguments(line.split(' '));

test.each([
  ['production distribute site --to /srv/site', { path: 'site', to: '/srv/site', remove: false }],
  ['production distribute --to /srv/../data//x/ big --delete', { path: 'big', to: '/data/x/', remove: true }],
])('%s', async (line, distribution) => {
  expect(await parse(line)).toMatchObject({ stage: 'production', tasks: ['distribute'], distribution });
});

test.each([
  ['production distribute site --to www', /--to must be an absolute path on the hosts, is 'www'/],
  ['production distribute site', /distribute what, and where to\?/],
  ['production distribute --to /srv', /distribute what, and where to\?/],
  ['production distribute a b --to /srv', /distribute what, and where to\?/],
  ['production --to /srv', /--to belongs to `distribute`/],
  ['production deploy --delete', /--delete belongs to `distribute`/],
  ['--format json swarm track', /`swarm` has to be the first word/],
])('%s is refused', async (line, message) => {
  await expect(parse(line)).rejects.toMatchObject({ exitCode: 2, message: expect.stringMatching(message) });
});
