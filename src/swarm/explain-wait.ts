/** What a peer knows of its surroundings while it waits. */
export interface Waiting {
  /** The last answer of every tracker that was asked: how many others it named, or why it named nobody. */
  readonly answers: readonly ({ readonly url: string } & (
    | { readonly others: number }
    | { readonly failure: string }
  ))[];
  /** Neighbours connected. */
  readonly peers: number;
}

/** Why nothing comes, as far as it can be seen from here. */
export const explainWait = ({ answers, peers }: Waiting): string => {
  if (peers > 0) return `${count(peers, 'peer')} connected, but nothing comes from there`;
  if (answers.length === 0) return 'no tracker has answered yet';
  const named = answers.flatMap((answer) => ('others' in answer ? answer.others : []));
  const failures = answers.flatMap((answer) => ('failure' in answer ? `${answer.url}: ${answer.failure}` : []));
  if (named.length === 0) return `no tracker helps: ${failures.join('; ')}`;
  const most = Math.max(...named);
  if (most === 0) return 'the tracker knows nobody else: does anybody seed it, and tell this tracker so?';
  return `the tracker names ${count(most, 'peer')}, and none can be reached: are their ports open?`;
};

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
