import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failedStep, loginLine, quote, script, sh, shellText } from '#protocol/shell.ts';
import { findShells, runIn, type Shell } from '../support/shells.ts';
import { findTool, needs } from '../support/tools.ts';

const nasty = fc.constantFrom(
  ...[
    "'",
    '"',
    '\\',
    '\n',
    '$',
    '`',
    '*',
    '?',
    '[a]',
    ' ',
    '\t',
    '\r',
    '~',
    '!',
    '#',
    ';',
    '&',
    '|',
    '<',
    '>',
    '(',
    ')',
  ],
  ...[
    '{a,b}',
    '$(id)',
    `\${HOME}`,
    '\\n',
    '\\0',
    '%s',
    '-n',
    '--',
    '=',
    'é',
    '鴉',
    '🐦‍⬛',
    '\u0001',
    '\u007f',
    '\u202e',
    '',
  ],
);
const word = fc.oneof(
  fc.array(nasty, { maxLength: 8 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.replaceAll('\0', '')),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
);
const words = fc.array(word, { minLength: 1, maxLength: 120 });

/** What a command of the shell was given, word by word. */
const received = async (shell: Shell, command: string): Promise<string[]> => {
  const { stdout, stderr, exitCode } = await runIn(shell, command);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return stdout.toString().split('\0').slice(0, -1);
};

const shells = findShells();

describe.each(shells)('in $name', (shell) => {
  test('a quoted word is what the command gets, whatever it holds', async () => {
    await fc.assert(
      fc.asyncProperty(words, async (given) => {
        expect(await received(shell, `printf '%s\\0' ${given.map(quote).join(' ')}`)).toEqual(given);
      }),
      { numRuns: 40 },
    );
  });

  test('an array is a command with its arguments, and the same inside of shell text', async () => {
    await fc.assert(
      fc.asyncProperty(words, async (given) => {
        const command = ['printf', '%s\\0', ...given];
        expect(await received(shell, shellText(command))).toEqual(given);
        expect(await received(shell, sh`if true; then ${command}; fi`.text)).toEqual(given);
        expect(await received(shell, sh`for w in ${given}; do printf '%s\0' "$w"; done`.text)).toEqual(given);
      }),
      { numRuns: 20 },
    );
  });

  test('a word quoted twice survives two shells', async () => {
    await fc.assert(
      fc.asyncProperty(words, async (given) => {
        const inner = shellText(['printf', '%s\\0', ...given]);
        expect(await received(shell, shellText([...shell.command, inner]))).toEqual(given);
      }),
      { numRuns: 20 },
    );
  });

  test('a script whose steps succeed ends with 0 and names no step', async () => {
    const steps = script([
      { name: 'one', command: ['echo', 'one two'] },
      { name: 'two', command: sh`echo three >&2` },
    ]);
    const { stdout, stderr, exitCode } = await runIn(shell, steps.text);
    expect({ stdout: stdout.toString(), exitCode, ...failedStep(steps, stderr) }).toEqual({
      stdout: 'one two\n',
      exitCode: 0,
      stderr: 'three\n',
    });
  });

  test.each([0, 1, 2])(
    'step %i fails: it is named, its exit code and output are kept, and no later one runs',
    async (failing) => {
      const steps = script(
        [0, 1, 2].map((i) => ({
          name: `step ${i}`,
          command: i === failing ? sh`echo 'cannot do it' >&2; (exit 42)` : sh`echo ${i}`,
        })),
      );
      const { stdout, stderr, exitCode } = await runIn(shell, steps.text);
      expect(exitCode).toBe(42);
      expect(failedStep(steps, stderr)).toEqual({ step: `step ${failing}`, stderr: 'cannot do it\n' });
      expect(stdout.toString()).toBe(
        [0, 1, 2]
          .slice(0, failing)
          .map((i) => `${i}\n`)
          .join(''),
      );
    },
  );

  test('a step that fails after a line without an end is named, too', async () => {
    const steps = script([{ name: 'cut', command: sh`printf 'no newline' >&2; false` }]);
    const { stderr } = await runIn(shell, steps.text);
    expect(failedStep(steps, stderr)).toEqual({ step: 'cut', stderr: 'no newline' });
  });

  test('variables, the directory and the umask of a step reach the next one', async () => {
    const { stdout } = await runIn(
      shell,
      script([
        { name: 'set', command: sh`x=${"it's"}; cd /; umask 027` },
        { name: 'show', command: sh`echo "$x $PWD $(umask)"` },
      ]).text,
    );
    expect(stdout.toString()).toBe("it's / 0027\n");
  });

  test('a step that exits ends the script with its code', async () => {
    const steps = script([
      { name: 'leave', command: sh`exit 9` },
      { name: 'never', command: sh`echo never` },
    ]);
    expect(await runIn(shell, steps.text)).toMatchObject({ exitCode: 9, stdout: Buffer.from('') });
  });

  test('a step may end in a comment or hold several lines', async () => {
    const steps = script([
      {
        name: 'lines',
        command: sh`
echo a # one
echo b # two`,
      },
    ]);
    expect((await runIn(shell, steps.text)).stdout.toString()).toBe('a\nb\n');
  });
});

test('plain words are left as they are, for people to read', () => {
  expect(shellText(['tar', '-xpof', '/var/www/shop/a_b.tar', 'user@host:1+2%'])).toBe(
    'tar -xpof /var/www/shop/a_b.tar user@host:1+2%',
  );
  expect(quote('')).toBe("''");
});

test('shell text keeps backslashes, but for the one before a placeholder or a backtick', () => {
  expect(sh`printf 'a\tb\n' \\`.text).toBe("printf 'a\\tb\\n' \\\\");
  expect(sh`n=\${r##*/}; echo \`date\``.text).toBe('n=$'.concat('{r##*/}; echo `date`'));
});

test('values are quoted, numbers are words, commands go in as what they are', () => {
  expect(sh`a ${'b c'} ${7} ${['d', 'e f']} ${sh`g | h`}`.text).toBe("a 'b c' 7 d 'e f' g | h");
});

test('the text of a failed step is not looked for in commands that have no steps', () => {
  expect(failedStep(['ls'], 'no such file\n')).toEqual({ stderr: 'no such file\n' });
});

test('no marker of ours reaches the eyes of the user, also where a script is part of another command', async () => {
  const part = script([{ name: 'inner', command: ['false'] }]);
  const command = sh`if true; then ${part}
fi`;
  const shell = shells[0];
  if (!shell) return;
  const { stderr, exitCode } = await runIn(shell, command.text);
  expect(exitCode).toBe(1);
  expect(failedStep(command, stderr)).toEqual({ stderr: '' });
});

describe.each(['dash', 'bash', 'busybox', 'fish', 'csh'])('%s as login shell', (name) => {
  test.skipIf(!needs(name))('hands a text to sh as it is, whatever it holds', async () => {
    const command: Shell['command'] = [findTool(name)!, ...(name === 'busybox' ? ['sh'] : []), '-c'];
    const shell = { name, command, env: process.env };
    await fc.assert(
      fc.asyncProperty(words, async (given) => {
        const text = `exec </dev/null\n${shellText(['printf', '%s\\0', ...given])}`;
        expect(await received(shell, loginLine(text))).toEqual(given);
      }),
      { numRuns: 15 },
    );
    const lines = Array.from({ length: 8 }, (_, shift) => `${'a'.repeat(shift)}${'\\\n'.repeat(300)}`);
    for (const given of lines)
      expect(await received(shell, loginLine(shellText(['printf', '%s\\0', given])))).toEqual([given]);
    const { exitCode, stderr } = await runIn(shell, loginLine('echo "$#" >&2; exit 7'));
    expect({ exitCode, stderr }).toEqual({ exitCode: 7, stderr: '0\n' });
  });
});
