import { describe, expect, test } from 'vitest';
import type { Target } from '#inventory/host.ts';
import { ConnectFailed } from '#ssh/connect-failed.ts';
import { makePace } from '#ssh/pace.ts';

const target = { address: '127.0.0.1', port: 22, ssh: { connectTimeout: 1.5, settings: [] } } as unknown as Target;

describe('logins to one sshd', () => {
  test('those that still wait for their turn at an interrupt are not tried', async () => {
    const pace = makePace();
    const stop = new AbortController();
    let tried = 0;
    let full = () => {};
    const allInside = new Promise<void>((resolve) => {
      full = resolve;
    });
    const attempts = Array.from({ length: 20 }, () =>
      pace(target, stop.signal, async () => {
        tried += 1;
        if (tried === 8) full();
        await new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
        throw new ConnectFailed('connect', 'interrupted');
      }),
    );
    const ends = Promise.allSettled(attempts);
    await allInside;
    stop.abort();
    expect(await ends).toEqual(Array(20).fill({ status: 'rejected', reason: expect.any(ConnectFailed) }));
    expect(tried).toBe(8);
  });

  test('the time in the queue is not counted as that of a host that is slow to answer', async () => {
    const pace = makePace();
    const { signal } = new AbortController();
    let free = () => {};
    const longer = new Promise<void>((resolve) => {
      free = resolve;
    });
    const slow = Array.from({ length: 8 }, () => pace(target, signal, () => longer));
    let tries = 0;
    const waiting = pace(target, signal, async () => {
      tries += 1;
      if (tries === 1) throw new ConnectFailed('connect', 'dropped', true);
      return 'logged in';
    });
    setTimeout(free, 1600); // longer than a connection may take
    await Promise.all(slow);
    expect(await waiting).toBe('logged in');
  });
});
