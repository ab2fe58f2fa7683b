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
 * A password for all hosts of the run, asked for when it is first wanted; each host may have its own. A host gets the oldest
 * that was not wrong wherever it was tried, or what it had the last time. Where that is wrong it gets the newest of the others,
 * and then one that was typed since, or a person is asked: sudo's three tries are enough for that.
 */
export const askUntilRight = (ask: Ask, question: string): SudoPassword => {
  const typed: { answer: Promise<string>; given: number; wrong: number }[] = [];
  const hadBy = new Map<string, number>();
  let declined = false;
  const type = (words: string): number => {
    const answer = ask(words, { hidden: true });
    answer.catch(() => {
      declined = true; // who does not want to answer is not asked again
    });
    return typed.push({ answer, given: 0, wrong: 0 }) - 1;
  };
  const forFirst = (host: string): number => hadBy.get(host) ?? typed.findIndex(({ given, wrong }) => given > wrong);
  return (host) => {
    const tried: number[] = [];
    const choose = (): number => {
      if (typed.length === 0) return type(question);
      const newest = typed.length - 1;
      const isNew = (index: number) => (tried.length > 1 ? index > Math.max(...tried) : !tried.includes(index));
      const untried = typed.findLastIndex((_, index) => isNew(index));
      const known = tried.length === 0 ? forFirst(host) : untried;
      if (known !== -1) return known;
      if (untried !== -1) return untried;
      return declined ? newest : type(`Wrong on ${host}. ${question}`);
    };
    return () => {
      const last = typed[tried.at(-1) ?? -1];
      if (last) last.wrong += 1;
      const index = choose();
      tried.push(index);
      hadBy.set(host, index);
      const next = typed[index]!;
      next.given += 1;
      return next.answer;
    };
  };
};
