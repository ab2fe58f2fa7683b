import { expect, test } from 'vitest';
import { createSwarmLines, type SwarmFact } from '../../src/command/swarm-output.ts';

const progress = (bytes: number, more: object = {}): SwarmFact => ({
  ...{ type: 'transfer-progress', pieces: 0, bytes, length: 80e6, downloaded: bytes, uploaded: 0, peers: 1 },
  ...more,
});

test('a transfer in lines: shares, and rates since the line before', () => {
  const lines = createSwarmLines();
  const say = (fact: SwarmFact, seconds: number) => lines(fact, seconds * 1000).map(({ text }) => text);
  expect(say(progress(0), 0)).toEqual(['0 %, got 0 B, sent 0 B, 1 peer']);
  expect(say(progress(40e6, { uploaded: 1e6, peers: 3 }), 2)).toEqual([
    '50 %, got 40.0 MB (20.0 MB/s), sent 1.0 MB (500.0 kB/s), 3 peers',
  ]);
  expect(say(progress(80e6, { uploaded: 1e6 }), 4)).toEqual(['sent 1.0 MB (0 B/s), 1 peer']);
});

test('what is wrong goes to stderr, names cannot play with the terminal', () => {
  const lines = createSwarmLines();
  const summary = { type: 'summary', ok: false, exitCode: 1, task: 'swarm fetch', seconds: 1 } as const;
  expect(lines({ ...summary, error: { message: 'no byte came' } }, 0)).toEqual([
    { text: 'deploy: no byte came', urgent: true },
  ]);
  expect(lines({ type: 'notice', level: 'warning', message: 'it is asked again' }, 0)).toEqual([
    { text: 'warning: it is asked again', urgent: true },
  ]);
  expect(lines({ type: 'swarm-verified', path: 'a\x1b[2J\nb', bytes: 1, seconds: 2 }, 0)[0]?.text).not.toMatch(
    /[\x1b\n]/,
  );
});
