import type { Ask } from '#recipe/setting.ts';

/** Answers to hidden questions are secrets. */
export const askSecretly =
  (ask: Ask, secret: (answer: string) => string): Ask =>
  async (question, options) => {
    const answer = await ask(question, options);
    return options?.hidden ? secret(answer) : answer;
  };

/** One answer for the whole run, asked for when it is first wanted. */
export const askOnce = (ask: Ask, question: string): (() => Promise<string>) => {
  let answer: Promise<string> | undefined;
  return () => {
    answer ??= ask(question, { hidden: true });
    return answer;
  };
};
