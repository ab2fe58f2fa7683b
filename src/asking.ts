import type { Ask } from '#recipe/setting.ts';
import type { SudoPassword } from '#run/task-hosts.ts';

/** Answers to hidden questions are secrets. */
export const askSecretly =
  (ask: Ask, secret: (answer: string) => string): Ask =>
  async (question, options) => {
    const answer = await ask(question, options);
    return options?.hidden ? secret(answer) : answer;
  };

/**
 * A password for all hosts of the run, asked for when it is first wanted. A host that asks again, for it was wrong there,
 * gets what was typed since, or what is then asked for: so each host may have its own.
 */
export const askUntilRight = (ask: Ask, question: string): SudoPassword => {
  const typed: Promise<string>[] = [];
  const rightFor = new Map<string, number>();
  let refused = false;
  const type = (words: string): void => {
    const answer = ask(words, { hidden: true });
    typed.push(answer);
    answer.catch(() => {
      refused = true; // who does not want to answer is not asked again
    });
  };
  return (host) => {
    let last: number | undefined;
    return () => {
      if (typed.length === 0) type(question);
      else if (last === typed.length - 1 && !refused) type(`Wrong on ${host}. ${question}`);
      last = last === undefined ? (rightFor.get(host) ?? typed.length - 1) : typed.length - 1;
      rightFor.set(host, last);
      return typed[last]!;
    };
  };
};
