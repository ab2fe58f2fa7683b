import type { Target } from '#inventory/host.ts';
import type { Ask } from '#recipe/setting.ts';

/** What one `ssh` asked so far, and what it was told. */
export type Told = Map<string, Promise<string | undefined>>;

export interface Questions {
  /** The answer to what an `ssh` asks; undefined: nobody gives one. */
  answer(prompt: string, target: Target, told: Told): Promise<string | undefined>;
  /** From now on what was given before is known, and nobody is asked for more. */
  askNoMore(): void;
}

/**
 * Passphrases, PINs and passwords are asked for once, whatever the number of hosts: who asks the second time was told
 * a wrong one, and only then it is asked for again, three times in all (ssh_config(5), NumberOfPasswordPrompts). Everything
 * else, as a code that is good for one login, is asked for each time.
 */
export const makeQuestions = (ask: Ask | undefined): Questions => {
  const answers = new Map<string, Promise<string | undefined>[]>();
  let asking = ask;
  const askNow = (question: string): Promise<string | undefined> =>
    asking === undefined ? Promise.resolve(undefined) : asking(question, { hidden: true }).catch(() => undefined);
  return {
    answer: async (prompt, target, told) => {
      const question = commonQuestion(prompt, target);
      if (question === undefined) return askNow(`${target.name}: ${plain(prompt)}`);
      const given = answers.get(question) ?? [];
      const known = given.at(-1);
      const wrong = known !== undefined && known === told.get(question);
      // a host that starts refuses the right one, too: it stays known
      if (wrong && (asking === undefined || given.length === MAX_TRIES)) return undefined;
      const answer = known === undefined || wrong ? askNow(`${wrong ? 'That was not it. ' : ''}${question}`) : known;
      if (answer !== known) answers.set(question, [...given, answer]);
      told.set(question, answer);
      return (await answer) || undefined;
    },
    askNoMore: () => {
      asking = undefined;
    },
  };
};

const MAX_TRIES = 3;

/** The question that stands for all hosts; undefined: each has its own. Prompts as in OpenSSH's sshconnect2.c. */
const commonQuestion = (prompt: string, { user }: Target): string | undefined => {
  const key = prompt.match(/^Enter passphrase for (?:key )?'?(.+?)'?:\s*$/)?.[1];
  if (key !== undefined) return `Passphrase of the key ${key}`;
  if (/^Enter PIN for/.test(prompt)) return plain(prompt);
  return /password:?\s*$/i.test(prompt) && !/one.?time|new password/i.test(prompt)
    ? `Password of ${user} on the hosts`
    : undefined;
};

const plain = (prompt: string): string => prompt.trim().replace(/:$/, '');
