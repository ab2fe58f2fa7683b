import { describe, expect, test } from 'vitest';
import type { Target } from '#inventory/host.ts';
import { makeQuestions, type Told } from '#ssh/openssh/questions.ts';

const target = { name: 'web1', user: 'ann' } as Target;
const asker = (...replies: string[]) => {
  const asked: string[] = [];
  const ask = async (question: string) => {
    asked.push(question);
    return replies.shift() ?? '';
  };
  return { asked, ...makeQuestions(ask) };
};
/** What one `ssh` is told, each time that it asks. */
const login = async ({ answer }: ReturnType<typeof makeQuestions>, prompts: readonly string[]) => {
  const told: Told = new Map();
  const answers: (string | undefined)[] = [];
  for (const prompt of prompts) answers.push(await answer(prompt, target, told));
  return answers;
};

const PASSWORD = "ann@10.0.0.7's password: ";
const CODE = '(ann@10.0.0.7) Verification code: ';

describe('what ssh asks', () => {
  test('a password is asked for once for all hosts, and again by whoever was told a wrong one', async () => {
    const questions = asker('wrong', 'right');
    expect(await login(questions, [PASSWORD, PASSWORD])).toEqual(['wrong', 'right']);
    expect(await login(questions, [PASSWORD])).toEqual(['right']);
    expect(questions.asked).toEqual(['Password of ann on the hosts', 'That was not it. Password of ann on the hosts']);
  });

  test('three times in all, as ssh has it, even where one host is slower than another to refuse a wrong one', async () => {
    const questions = asker('1', '2', '3', '4');
    const [first, late] = [new Map(), new Map()];
    const answer = (told: Told) => questions.answer(PASSWORD, target, told);
    expect([await answer(first), await answer(first)]).toEqual(['1', '2']);
    expect([await answer(late), await answer(late)]).toEqual(['2', '3']);
    expect([await answer(first), await answer(late)]).toEqual(['3', undefined]);
    expect(questions.asked).toHaveLength(3);
  });

  test('a code is asked for each time', async () => {
    const questions = asker('1', '2');
    expect([await login(questions, [CODE]), await login(questions, [CODE])]).toEqual([['1'], ['2']]);
  });

  test('later nobody is asked, and a host that refuses the right password while it starts does not make it forgotten', async () => {
    const questions = asker('right');
    await login(questions, [PASSWORD]);
    questions.askNoMore();
    expect(await login(questions, [CODE])).toEqual([undefined]);
    expect(await login(questions, [PASSWORD, PASSWORD])).toEqual(['right', undefined]);
    expect(await login(questions, [PASSWORD])).toEqual(['right']);
    expect(questions.asked).toHaveLength(1);
  });
});
