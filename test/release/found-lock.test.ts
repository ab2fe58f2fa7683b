import { describe, expect, test } from 'vitest';
import { describeLock, inWords, isLasting, parseLock } from '#release/found-lock.ts';

const ann = { by: 'ann', machine: 'laptop', at: '2026-11-20T08:15:30.000Z', task: 'deploy', id: '1-2' };

describe('a lock file', () => {
  test('of a guard tells whose it is, for how long, and when its guard last lived, by one clock', () => {
    const text = `a noisy profile\nnow 1720\n${JSON.stringify(ann)}\nbeat 1000\nprotect 20260102000000\nbeat 1005\nbeat 1700\n`;
    const lock = parseLock(text);
    expect(lock).toEqual({ owner: ann, age: 720, silence: 20, release: '20260102000000' });
    expect(isLasting(lock)).toBe(false);
    expect(describeLock(lock)).toBe('ann on laptop since 2026-11-20 08:15:30 UTC, 12 minutes ago (deploy)');
  });

  test('without a beat stays, and tells why', () => {
    const lock = parseLock(
      `now 90000\n${JSON.stringify({ ...ann, task: 'deploy:lock', message: 'fair' })}\nsince 1000\n`,
    );
    expect(isLasting(lock)).toBe(true);
    expect(describeLock(lock)).toBe('ann on laptop since 2026-11-20 08:15:30 UTC, 1 day ago (deploy:lock): fair');
  });

  test.each(['', 'half a li', 'now 1\nnull\n{}\n', `now 1\n${JSON.stringify({ ...ann, at: 5 })}`, 'beat x\nnow'])(
    'that holds %j is nobody knows whose',
    (text) => {
      expect(parseLock(text)).toEqual({});
      expect(describeLock(parseLock(text))).toBe('somebody unknown');
    },
  );

  test('from the future is new', () => {
    expect(parseLock(`now 10\n${JSON.stringify(ann)}\nbeat 20\n`)).toEqual({ owner: ann, age: 0, silence: 0 });
  });
});

test.each([
  [0, '0 seconds'],
  [1, '1 second'],
  [59, '59 seconds'],
  [60, '1 minute'],
  [3599, '59 minutes'],
  [7200, '2 hours'],
  [200_000, '2 days'],
])('%d seconds are %s', (seconds, words) => {
  expect(inWords(seconds)).toBe(words);
});
