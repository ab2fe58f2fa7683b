/** Commands with their surroundings: the texts that hosts get (SSHKit's test_command.rb), and what a real sh makes of any words. */
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Command, cmd, sh, shellText } from '#protocol/shell.ts';
import { type CommandContext, inContext, NO_CONTEXT, usesSudo } from '#recipe/command-context.ts';
import { findShells, runIn, type Shell } from '../support/shells.ts';
import { needs } from '../support/tools.ts';

const textOf = (command: Command, context: Partial<CommandContext>, asks = false): string =>
  shellText(inContext(command, { ...NO_CONTEXT, ...context }, asks));

describe('the text for a command', () => {
  const ls = ['ls', '-l'];
  test.each<[string, Partial<CommandContext>, Command, string]>([
    ['alone', {}, ls, 'ls -l'],
    ['within a directory', { directory: '/opt/sites' }, ls, 'cd /opt/sites || exit\nls -l'],
    ['a directory with a space', { directory: '/opt/my sites' }, ls, "cd '/opt/my sites' || exit\nls -l"],
    ['the home directory', { directory: '~' }, ls, 'cd ~ || exit\nls -l'],
    ['below the home directory', { directory: '~/my sites' }, ls, "cd ~/'my sites' || exit\nls -l"],
    ['with variables', { env: { A: 'b', C: 'd' } }, ls, 'export A=b\nexport C=d\nls -l'],
    ['double quotes in a variable', { env: { A: 'say "b"' } }, ls, `export A='say "b"'\nls -l`],
    ['percent signs in a variable', { env: { A: '%b%s' } }, ls, 'export A=%b%s\nls -l'],
    ['as a user', { user: 'anotheruser' }, ls, 'sudo -n -u anotheruser -- ls -l'],
    ['as a user and a group', { user: 'u', group: 'g' }, ls, 'sudo -n -u u -g g -- ls -l'],
    ['as a group', { group: 'g' }, ls, 'sudo -n -g g -- ls -l'],
    ['with a umask', { umask: '007' }, ls, 'umask 007\nls -l'],
    [
      'with all of them',
      { directory: '/opt', umask: '007', env: { A: 'b' }, user: 'u' },
      ls,
      "sudo -n -u u -- /bin/sh -c 'cd /opt || exit\numask 007\nexport A=b\nls -l'",
    ],
    [
      'shell text has the same',
      { directory: '/opt', env: { A: 'b' } },
      sh`ls | wc`,
      'cd /opt || exit\nexport A=b\nls | wc',
    ],
    ['shell text of another user', { user: 'u' }, sh`ls | wc`, "sudo -n -u u -- /bin/sh -c 'ls | wc'"],
    [
      'a mapped program with what goes before it',
      { commands: { commands: { rake: ['/opt/rake'] }, prefix: { rake: ['bundle', 'exec'] } }, directory: '/opt' },
      cmd`rake db:migrate`,
      'cd /opt || exit\nbundle exec /opt/rake db:migrate',
    ],
  ])('%s', (_name, context, command, text) => {
    expect(textOf(command, context)).toBe(text);
  });

  test('sudo may ask where somebody can answer, for another group, too', () => {
    expect([{ user: 'u' }, { group: 'g' }, {}].map((other) => usesSudo({ ...NO_CONTEXT, ...other }))).toEqual([
      true,
      true,
      false,
    ]);
    expect(textOf(ls, { user: 'u' }, true)).toBe('sudo -S -p rookery-sudo-password: -u u -- ls -l');
  });
});

const special = fc.constantFrom(...`'"\\ \n\t$\`*?[~!#;&|<>(){}%=-é🐦`, '$HOME', '$(id)', '\\n', '%s', '--');
const word = fc.oneof(
  fc.array(special, { maxLength: 6 }).map((parts) => parts.join('')),
  fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.replaceAll('\0', '')),
);
const words = fc.array(word, { maxLength: 20 });
const directoryName = word.map((text) => `d${text.replaceAll('/', ':').slice(0, 60)}d`);

describe.each(findShells())('what a program gets in $name', (shell: Shell) => {
  let dir: string;
  beforeAll(async () => {
    dir = await realpath(await mkdtemp(join(tmpdir(), 'rookery-words-')));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  /** Its words, its directory and a variable, told by a script that is the program. */
  const program = ['sh', '-c', 'printf "%s\\0" "$PWD" "$VALUE" "$@"', 'sh'];
  const told = async (command: Command): Promise<string[]> => {
    const { stdout, stderr, exitCode } = await runIn(shell, shellText(command));
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    return stdout.toString().split('\0').slice(0, -1);
  };
  const property = async (context: Partial<CommandContext>, numRuns: number) =>
    fc.assert(
      fc.asyncProperty(words, word, directoryName, async (given, value, name) => {
        const directory = join(dir, name);
        await mkdir(directory, { recursive: true });
        const around = { ...NO_CONTEXT, ...context, directory, env: { VALUE: value } };
        const expected = [directory, value, ...given];
        expect(await told(inContext(cmd`${program} ${given}`, around, false))).toEqual(expected);
        expect(await told(inContext(sh`${program} ${given}`, around, false))).toEqual(expected);
      }),
      { numRuns },
    );

  test('is what went in, by cmd and by sh, within a directory and with a variable', () => property({}, 25));

  test.skipIf(!needs('sudo') || shell.name === 'busybox')('as another user, too', () =>
    property({ user: userInfo().username }, 8),
  );

  test('a word made of parts is one word', async () => {
    await fc.assert(
      fc.asyncProperty(word, word, async (a, b) => {
        expect(await told(cmd`${program} --from=${a} x${a}${b}y ${['p', a]}`)).toEqual([
          ...(await told(cmd`${program}`)),
          ...[`--from=${a}`, `x${a}${b}y`, 'p', a],
        ]);
      }),
      { numRuns: 10 },
    );
  });

  test('a directory that is not there ends the command before its program', async () => {
    const missing = inContext(sh`echo ran`, { ...NO_CONTEXT, directory: join(dir, 'missing') }, false);
    const { stdout, exitCode } = await runIn(shell, shellText(missing));
    expect({ stdout: stdout.toString(), failed: exitCode !== 0 }).toEqual({ stdout: '', failed: true });
  });
});
