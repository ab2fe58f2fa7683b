import { expect, test } from 'vitest';
import type { DeployFact } from '#protocol/events.ts';
import { watchSwarm } from '#swarm/watch-swarm.ts';

const verified = { kind: 'verified', bytes: 10, downloaded: 10, uploaded: 0, seconds: 1 } as const;

test('a host that was given up and then reports a copy after all does not stand for another one', async () => {
  const facts: DeployFact[] = [];
  const watch = watchSwarm(['a', 'b'], 1, 60, (fact) => void facts.push(fact));
  try {
    let settled = false;
    void watch.settled.then(() => {
      settled = true;
    });
    watch.fail('a', { code: 'transfer', message: 'no byte arrived' });
    watch.report('a', verified);
    await new Promise((resolve) => setImmediate(resolve));
    expect(settled).toBe(false);
    expect(facts).toEqual([]);
    watch.report('b', verified);
    await watch.settled;
    expect([...watch.errors.keys()]).toEqual(['a']);
  } finally {
    watch.stop();
  }
});
