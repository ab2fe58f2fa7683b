import { expect, test } from 'vitest';
import { shellText } from '#protocol/shell.ts';
import { takeGroup, tellingGroup } from '#ssh/process-group.ts';
import { findShells, runIn } from '../support/shells.ts';

const take = (chunks: readonly string[]) => {
  const found: number[] = [];
  let passed = '';
  const filter = takeGroup(
    (group) => found.push(group),
    (text) => {
      passed += text;
    },
  );
  for (const chunk of chunks) filter.write(chunk);
  filter.end();
  return { found, passed };
};

test.each([
  [['rookery-group:42\nrest\n'], 'rest\n'],
  [['rookery-', 'group:4', '2', '\nre', 'st\n'], 'rest\n'],
  [['from a profile\nrookery-group:42\n', 'rest\n'], 'from a profile\nrest\n'],
  [['rookery-group:42\n', 'rookery-group:7\n'], 'rookery-group:7\n'],
  [['rookery-group:42\n'], ''],
])('the number is taken out of %j, once', (chunks, passed) => {
  expect(take(chunks)).toEqual({ found: [42], passed });
});

test('what comes from a shell that never told its number is passed on', () => {
  expect(take(['sh: not', ' found'])).toEqual({ found: [], passed: 'sh: not found' });
});

test.each(findShells())('$name tells its number before anything else, and runs the command as it is', async (shell) => {
  const { stdout, stderr, exitCode } = await runIn(
    shell,
    shellText(tellingGroup(['sh', '-c', 'echo out; echo err >&2; exit 3'])),
  );
  expect([String(stdout), stderr.replace(/\d+/, '#'), exitCode]).toEqual(['out\n', 'rookery-group:#\nerr\n', 3]);
});
