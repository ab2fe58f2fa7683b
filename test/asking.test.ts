import { describe, expect, test } from 'vitest';
import { askUntilRight } from '../src/asking.ts';

/** Passwords of hosts, and what a person types. Hosts log in until they have the right one, sudo's three times at the most. */
const play = (passwords: Readonly<Record<string, string>>, ...typed: string[]) => {
  const asked: string[] = [];
  const ask = async (question: string) => {
    asked.push(question);
    const answer = typed.shift();
    if (answer === undefined) throw new Error('nobody answers');
    return answer;
  };
  const begin = askUntilRight(ask, 'Password');
  /** Runs a command; resolves to the number of tries that it took, or to undefined where it failed. */
  const run = async (host: string): Promise<number | undefined> => {
    const next = begin(host);
    for (let tries = 1; tries <= 3; tries += 1) if ((await next()) === passwords[host]) return tries;
    return undefined;
  };
  return { asked, begin, run };
};

describe('a password for sudo', () => {
  test('is asked for once where all hosts have the same, and again where it was mistyped', async () => {
    const { asked, run } = play({ a: 'x', b: 'x', c: 'x' }, 'mistyped', 'x');
    expect(await run('a')).toBe(2);
    expect([await run('b'), await run('c'), await run('a')]).toEqual([1, 1, 1]);
    expect(asked).toEqual(['Password', 'Wrong on a. Password']);
  });

  test('is asked for once more where many hosts at once were told two that were mistyped', async () => {
    const hosts = ['a', 'b', 'c', 'd'];
    const { asked, begin } = play({}, 'mistyped', 'again', 'x');
    const asking = hosts.map((host) => begin(host));
    for (const answer of ['mistyped', 'again', 'x'])
      expect(await Promise.all(asking.map((next) => next()))).toEqual(hosts.map(() => answer));
    expect(asked).toEqual(['Password', 'Wrong on a. Password', 'Wrong on a. Password']);
  });

  test('may be another one on every host, and the first one again', async () => {
    const { asked, run } = play({ a: '1', b: '2', c: '3', d: '4', e: '1' }, '1', '2', '3', '4');
    for (const host of ['a', 'b', 'c', 'd', 'e']) expect(await run(host), host).toBeDefined();
    for (const host of ['a', 'b', 'c', 'd', 'e']) expect(await run(host), host).toBe(1);
    expect(asked).toHaveLength(4);
  });

  test('whose host asks late, after another one has refused it, is found without another question', async () => {
    const { asked, begin, run } = play({ early: '2', late: '1' }, '1', '2');
    expect(await run('early')).toBe(2);
    expect(await run('late')).toBe(2);
    expect(asked).toEqual(['Password', 'Wrong on early. Password']);
    const [one, other] = [begin('late'), begin('early')];
    expect([await one(), await other()]).toEqual(['1', '2']);
  });

  test('is not asked for again once nobody wants to answer', async () => {
    const { asked, run } = play({ a: 'x', b: 'x' });
    await expect(run('a')).rejects.toThrow('nobody answers');
    await expect(run('b')).rejects.toThrow('nobody answers');
    expect(asked).toHaveLength(1);
  });
});
