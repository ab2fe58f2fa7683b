import { expect, test, vi } from 'vitest';
import type { DeployFact } from '#protocol/events.ts';
import { watchSwarm } from '#swarm/watch-swarm.ts';

const plan = { pieces: 1, explain: (host: string) => `${host} cannot reach anybody` };
const verified = { kind: 'verified', bytes: 10, downloaded: 10, uploaded: 0, seconds: 1 } as const;

test('a host that was given up and then reports a copy after all does not stand for another one', async () => {
  const facts: DeployFact[] = [];
  const watch = watchSwarm({ hosts: ['a', 'b'], ...plan, stallTimeout: 60, emit: (fact) => void facts.push(fact) });
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

test('a peer that only hashes any more is not stalled; one that does nothing is', () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  const watch = watchSwarm({ hosts: ['busy', 'idle'], ...plan, stallTimeout: 5, emit: () => {} });
  const progress = { kind: 'progress', pieces: 1, bytes: 10, downloaded: 10, uploaded: 0, peers: 0 } as const;
  try {
    for (let hashed = 0; hashed <= 10; hashed++) {
      watch.report('busy', { ...progress, hashed });
      watch.report('idle', { ...progress, hashed: 5 });
      vi.advanceTimersByTime(1000);
    }
    expect([...watch.errors.keys()]).toEqual(['idle']);
    expect(watch.errors.get('idle')?.message).toBe('no byte arrived for 5 s: idle cannot reach anybody');
  } finally {
    watch.stop();
    vi.useRealTimers();
  }
});
