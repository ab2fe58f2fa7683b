import { expect, test } from 'vitest';
import { runCli, startCli } from './cli.ts';

const program = (source: string) => ({ program: ['-e', source] });

test('a program is judged by its exit code and what it wrote', async () => {
  const source = 'process.stdin.pipe(process.stdout); console.error(process.env.WORD); process.exitCode = 3';
  expect(await runCli([], { ...program(source), input: 'in', env: { WORD: 'word' } })).toEqual({
    ...{ exitCode: 3, signal: null, stdout: 'in', stderr: 'word\n' },
  });
});

test('signals are sent at their texts, in order', async () => {
  const source = `
    let count = 0;
    process.on('SIGINT', () => (++count === 2 ? process.exit(130) : console.log('once more')));
    console.log('ready'); setInterval(() => {}, 1000);`;
  const signalWhen = [{ text: 'ready' }, { text: /once\smore/ }];
  expect(await runCli([], { ...program(source), signalWhen })).toMatchObject({ exitCode: 130 });
});

test('a text that never shows up fails with what was written instead', async () => {
  const cli = startCli([], program("console.log('something else')"));
  await expect(cli.seen('the text')).rejects.toThrow('something else');
});
