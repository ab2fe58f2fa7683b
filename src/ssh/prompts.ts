import type { Prompt } from 'ssh2';
import type { Target } from '#inventory/host.ts';
import type { Secrets } from './keys.ts';

export type Prompting = (
  name: string,
  told: string,
  language: string,
  prompts: Prompt[],
  finish: (all: string[]) => void,
) => void;

/**
 * Answers what a host asks in the course of one login (keyboard-interactive, RFC 4256): the first question for a password with
 * that of the user, all others, as for a one-time code, by asking the person, each for itself and anew on every host.
 */
export const answerPrompts = (
  { name, user }: Target,
  secrets: Secrets,
): {
  readonly prompt: Prompting;
  /** Whether the host shall ask once more, since a person may have mistyped. */
  again(): boolean;
  /** Whether the user's password was among the answers. */
  gavePassword(): boolean;
} => {
  let given = false;
  let typed = 0;
  let tries = 1;
  const answer = async ({ prompt, echo = false }: Prompt, told: string): Promise<string> => {
    if (!given && !echo && asksForPassword(prompt)) {
      given = true;
      return (await secrets.password(user)) ?? '';
    }
    typed += 1;
    return (await secrets.question(`${told}${name}: ${plain(prompt).trim().replace(/:$/, '')}`, !echo)) ?? '';
  };
  const prompt: Prompting = async (title, instructions, _, prompts, finish) => {
    const told = plain(`${title}\n${instructions}`).trim();
    const answers: string[] = [];
    for (const prompt of prompts)
      answers.push(await answer(prompt, answers.length > 0 || told === '' ? '' : `${told}\n`));
    finish(answers);
  };
  const again = (): boolean => {
    if (typed === 0 || tries === MAX_TRIES) return false;
    tries += 1;
    given = false;
    typed = 0;
    return true;
  };
  return { prompt, again, gavePassword: () => given };
};

/** ssh_config(5), NumberOfPasswordPrompts. */
const MAX_TRIES = 3;

/** Not for a one-time password, nor for a new one in place of one that has expired. */
const asksForPassword = (prompt: string): boolean =>
  /password/i.test(prompt) && !/one.?time|otp|token|code|new|retype|current|expired/i.test(prompt);

/** A host's words as a terminal may show them. */
const plain = (text: string): string => text.replace(/[^\P{C}\n]/gu, '');
