import { expect, test } from 'vitest';
import type { Pending } from '#protocol/events.ts';
import { pendingLines } from '#report/pending-lines.ts';

const sha = (digit: string) => digit.repeat(40);
const unserved: Pending = { hosts: ['web01', 'web02'], to: sha('b'), label: 'Branch main' };
const lines = (pending: Pending) => pendingLines(pending).join('\n');
const say = (changes: Partial<Pending>) => lines({ ...unserved, from: sha('a'), ...changes });
const commit = (digit: string, subject: string) => ({ revision: sha(digit), subject });

test('what a deploy would bring is told in a line for the hosts, and one for each commit', () => {
  expect(
    say({ commits: [commit('b', 'Mend it'), commit('c', 'Break \x1b[31mit')], dropped: [] }),
  ).toMatchInlineSnapshot(`
    "web01, web02 (2 hosts): aaaaaaa is served; Branch main (bbbbbbb) would bring 2 commits
      + bbbbbbb Mend it
      + ccccccc Break it"
  `);
  expect(say({ commits: [commit('b', 'One')], dropped: [commit('a', 'Two')] })).toMatchInlineSnapshot(`
    "web01, web02 (2 hosts): aaaaaaa is served; Branch main (bbbbbbb) would bring 1 commit and take 1 commit away
      + bbbbbbb One
      - aaaaaaa Two"
  `);
  expect(say({ commits: [], dropped: [commit('a', 'Two')] })).toMatchInlineSnapshot(`
    "web01, web02 (2 hosts): aaaaaaa is served; Branch main (bbbbbbb) would take 1 commit away
      - aaaaaaa Two"
  `);
});

test('where there are no commits to show it says why', () => {
  expect([
    say({ from: sha('b'), commits: [], dropped: [] }),
    say({ without: 'unknown-revision' }),
    say({ without: 'no-history', label: 'Directory build' }),
    lines({ ...unserved, without: 'nothing-served' }),
    lines({ ...unserved, without: 'no-revision' }),
  ]).toMatchInlineSnapshot(`
    [
      "web01, web02 (2 hosts): Branch main (bbbbbbb) is served: nothing is pending",
      "web01, web02 (2 hosts): aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa is served, which the repository does not know (not fetched, or a shallow clone?); a deploy would bring Branch main (bbbbbbb)",
      "web01, web02 (2 hosts): aaaaaaa is served; a deploy would bring Directory build (bbbbbbb). This source has no commits to show",
      "web01, web02 (2 hosts): nothing is served yet; a deploy would bring Branch main (bbbbbbb)",
      "web01, web02 (2 hosts): the revision that is served is not recorded; a deploy would bring Branch main (bbbbbbb)",
    ]
  `);
});
