import { expect, test } from 'vitest';
import { explainWait } from '#swarm/explain-wait.ts';

const url = 'http://tracker:8998/announce';

test.each([
  [{ answers: [], peers: 0 }, 'no tracker has answered yet'],
  [{ answers: [{ url, failure: 'connect ECONNREFUSED' }], peers: 0 }, `no tracker helps: ${url}: connect ECONNREFUSED`],
  [
    { answers: [{ url, others: 0 }], peers: 0 },
    'the tracker knows nobody else: does anybody seed it, and tell this tracker so?',
  ],
  [
    {
      answers: [
        { url, failure: 'unknown torrent' },
        { url, others: 0 },
        { url, others: 3 },
      ],
      peers: 0,
    },
    'the tracker names 3 peers, and none can be reached: are their ports open?',
  ],
  [
    { answers: [{ url, others: 1 }], peers: 0, mismatches: new Set(['hung-up', 'other-key'] as const) },
    'the tracker names 1 peer, and who was met has another key: is --key the one that the seeder has?',
  ],
  [{ answers: [{ url, others: 3 }], peers: 1 }, '1 peer connected, but nothing comes from there'],
])('why nothing comes: %j', (waiting, words) => {
  expect(explainWait({ mismatches: new Set(), ...waiting })).toBe(words);
});
