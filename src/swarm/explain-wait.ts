import type { Mismatch } from '#peer/transport.ts';

/** What a peer knows of its surroundings while it waits. */
export interface Waiting {
  /** The last answer of every tracker that was asked: how many others it named, or why it named nobody. */
  readonly answers: readonly ({ readonly url: string } & (
    | { readonly others: number }
    | { readonly failure: string }
  ))[];
  /** Neighbours connected. */
  readonly peers: number;
  /** Why peers that were met could not be spoken with. */
  readonly mismatches: ReadonlySet<Mismatch>;
}

/** Why nothing comes, as far as it can be seen from here. */
export const explainWait = ({ answers, peers, mismatches }: Waiting): string => {
  if (peers > 0) return `${count(peers, 'peer')} connected, but nothing comes from there`;
  if (answers.length === 0) return 'no tracker has answered yet';
  const named = answers.flatMap((answer) => ('others' in answer ? answer.others : []));
  const failures = answers.flatMap((answer) => ('failure' in answer ? `${answer.url}: ${answer.failure}` : []));
  if (named.length === 0) return `no tracker helps: ${failures.join('; ')}`;
  const most = Math.max(...named);
  if (most === 0) return 'the tracker knows nobody else: does anybody seed it, and tell this tracker so?';
  const why = WORDS.find(([mismatch]) => mismatches.has(mismatch))?.[1] ?? 'none can be reached: are their ports open?';
  return `the tracker names ${count(most, 'peer')}, and ${why}`;
};

/** What is known for certain comes first. */
const WORDS: readonly (readonly [Mismatch, string])[] = [
  ['other-key', 'who was met has another key: is --key the one that the seeder has?'],
  ['encrypted', 'who was met has a key, and this peer has none: bring the key file here, and name it with --key'],
  ['plain', 'who was met has no key: leave --key out, or start the others with it'],
  ['hung-up', 'who was met hangs up without a word: is the swarm one with a key (--key), or full?'],
];

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
