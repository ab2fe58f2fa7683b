import { expect, test } from 'vitest';
import { shellText } from '#protocol/shell.ts';
import { makeMarkReader, withMarks } from '#ssh/openssh/exit-marks.ts';
import { tellingGroup } from '#ssh/process-group.ts';
import { findShells, runIn } from '../support/shells.ts';

const read = (chunks: readonly string[]) => {
  const reader = makeMarkReader();
  const passed = chunks.map((chunk) => reader.take(chunk)).join('');
  return { ...reader.marks(), passed: passed + reader.rest() };
};

test.each([
  [['rookery-open:42\nrest\n'], { group: 42, passed: 'rest\n' }],
  [
    ['a profile\nrookery-op', 'en:42\nrest rook', 'ery-exi', 't:255\n'],
    { group: 42, exit: '255', passed: 'a profile\nrest ' },
  ],
  [['rookery-open:42\nrookery-', 'rest'], { group: 42, passed: 'rookery-rest' }],
  [['rookery-open:42\na\nrookery-exit:TERM\nb\n'], { group: 42, exit: 'TERM', passed: 'a\nb\n' }],
  [['no such account\n'], { passed: 'no such account\n' }],
])('the marks are taken out of %j', (chunks, expected) => {
  expect(read(chunks)).toEqual(expected);
});

test.each(findShells())('$name runs a command as it is, and tells of an end that ssh does not', async (shell) => {
  const run = async (text: string) => {
    const { stdout, stderr, exitCode } = await runIn(shell, withMarks(text));
    const { group, ...rest } = read([stderr]);
    expect(group).toBeGreaterThan(1);
    return { ...rest, stdout: String(stdout), exitCode };
  };
  expect(await run('echo out; echo err >&2; exit 3')).toEqual({ stdout: 'out\n', passed: 'err\n', exitCode: 3 });
  expect(await run('exit 255')).toMatchObject({ exit: '255', exitCode: 255 });
  expect(await run('kill -TERM $$; sleep 9 & kill $!; exit 143')).toMatchObject({ exit: 'TERM', exitCode: 143 });
  expect(await run('exit 143')).toMatchObject({ passed: '', exitCode: 143 });
  expect((await run('exit 143')).exit).toBeUndefined();
  const { group } = read([(await runIn(shell, withMarks(shellText(tellingGroup(['true']))))).stderr]);
  expect(group).toBeGreaterThan(1);
});
